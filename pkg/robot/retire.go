package robot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// BearerLifetime is for how long a bearer token can be used that was bought before its robot lost its rights: Quay makes it for
// 3,600 s and takes it for 30 s more (quay/quay endpoints/v2/v2auth.py, util/security/registry_jwt.py).
const BearerLifetime = 3630 * time.Second

// retirement takes robots out of use for good: first their rights, then their tokens, then, of a keyless team, whom they trust, then the
// robots themselves. A new token alone would end nothing: from v3.13 on Quay takes any bearer token that a robot bought for its
// password, and sells it the next one with all rights that the robot has (quay/quay data/model/user.py, verify_robot_jwt_token). So a
// robot that was deleted must not be made again by its name either, which is what generations are for.
type retirement struct {
	Services
	Tenant
	// whom says which of the team's accounts are to go.
	whom func(account) bool
	// burnt are the robots whose tokens this run replaced by ones that nobody keeps.
	burnt map[string]bool
	// below is the generation of the robot in use: a robot of that or a later one keeps its name until there is a later one still. 0: none
	// does.
	below int
	// foreign is what could not be taken since Quay does not have it in this organization; true where it is listed all the same, so that
	// it is another's. It ends with the robot alone, and elsewhere tells of it.
	foreign   map[string]bool
	elsewhere []string
	// powerless is when the last right was seen to be gone, by Quay's clock; zero until then.
	powerless time.Time
}

func (s Services) retirement(t Tenant, whom func(account) bool) *retirement {
	return &retirement{Services: s, Tenant: t, whom: whom, burnt: map[string]bool{}, foreign: map[string]bool{}}
}

// left are the accounts that are to go and exist still.
func (r *retirement) left(ctx context.Context) ([]account, error) {
	all, err := r.accounts(ctx, r.Tenant)
	all = slices.DeleteFunc(all, func(a account) bool { return !r.whom(a) })
	foreign := func(robot, what string) func(string) bool {
		return func(name string) bool {
			key := fmt.Sprintf("%q has %s %q", robot, what, name)
			_, is := r.foreign[key]
			if is {
				r.foreign[key] = true
			}
			return is
		}
	}
	for i, a := range all {
		all[i].Teams = slices.DeleteFunc(a.Teams, foreign(a.Name, "team"))
		all[i].Repositories = slices.DeleteFunc(a.Repositories, foreign(a.Name, "repository"))
	}
	return all, err
}

// deletable reports whether the name of a is never used again: that of a robot before the one in use is not.
func (r *retirement) deletable(a account) bool { return r.below == 0 || a.generation < r.below }

// toDelete are those of left that are deletable.
func (r *retirement) toDelete(ctx context.Context) ([]account, error) {
	left, err := r.left(ctx)
	return slices.DeleteFunc(left, func(a account) bool { return !r.deletable(a) }), err
}

// tasks are the steps of a retirement; before is called before anything is taken.
func (r *retirement) tasks(before func(context.Context) error) []task {
	const next = "see in Quay what keeps it, then run this again"
	return []task{
		{id: "burn", title: "take the rights of the robots that are to go, and burn their tokens", reason: ReasonNoRight, next: next, check: r.checkBurnt,
			do: func(ctx context.Context) error {
				if err := before(ctx); err != nil {
					return err
				}
				_, err := r.disarm(ctx)
				return err
			}},
		r.deleteTask("delete these robots"),
	}
}

// deleteTask deletes the robots that are to go.
func (r *retirement) deleteTask(title string) task {
	return task{id: "robots", title: title, reason: ReasonConflict, next: "see in Quay what keeps them, then run this again",
		check: r.checkDeleted, do: r.delete}
}

// checkBurnt is done when no robot that is to go holds anything, nor has a token that anybody knows.
func (r *retirement) checkBurnt(ctx context.Context) (bool, string, error) {
	left, err := r.left(ctx)
	harmful := []string{}
	for _, a := range left {
		if held := a.holds(); held != "" {
			harmful = append(harmful, fmt.Sprintf("%q has %s", a.Name, held))
		} else if !r.burnt[a.Name] {
			harmful = append(harmful, fmt.Sprintf("%q has a token", a.Name))
		}
	}
	switch {
	case err != nil || len(harmful) > 0:
		return false, strings.Join(harmful, "; "), err
	case len(left) == 0:
		return true, "there is none", nil
	}
	return true, fmt.Sprintf("what they bought ends by %s", stamp(r.powerless.Add(BearerLifetime))), nil
}

// takeEach takes from every robot of left its default permissions, then its teams and repositories. That one cannot be taken keeps
// the others from nothing; the errors are by the robot's name.
func (r *retirement) takeEach(ctx context.Context, left []account) map[string]error {
	failed := map[string]error{}
	var writing sync.Mutex
	note := func(robot, what, name string, err error) {
		writing.Lock()
		defer writing.Unlock()
		switch {
		case quay.IsNotFound(err) && what != "":
			// Quay lists what a robot has in every organization, by names without the organization's.
			r.foreign[fmt.Sprintf("%q has %s %q", robot, what, name)] = false
		case unlessGone(err) != nil:
			failed[robot] = errors.Join(failed[robot], err)
		}
	}
	for _, a := range left {
		// First, and by themselves: a robot that lost them is one that is to go, for who comes after a crash.
		for _, p := range a.defaults {
			note(a.Name, "", "", r.Quay.DeletePrototype(ctx, r.Organization, p.ID))
		}
	}
	var taking errgroup.Group
	taking.SetLimit(workers)
	for _, a := range left {
		for _, team := range a.Teams {
			taking.Go(func() error {
				note(a.Name, "team", team, r.Quay.RemoveMember(ctx, r.Organization, team, a.Name))
				return nil
			})
		}
		for _, repository := range a.Repositories {
			taking.Go(func() error {
				note(a.Name, "repository", repository, r.Quay.DeletePermission(ctx, repository, a.Name))
				return nil
			})
		}
	}
	_ = taking.Wait() // Each error is noted.
	return failed
}

// unlessGone is err, unless it says that what was to be deleted is not there.
func unlessGone(err error) error {
	if quay.IsNotFound(err) {
		return nil
	}
	return err
}

// burnEach replaces the token of every robot of left by one that nobody keeps; the errors are by the robot's name.
func (r *retirement) burnEach(ctx context.Context, left []account) map[string]error {
	failed := map[string]error{}
	for _, a := range left {
		if _, err := r.Quay.RegenerateRobot(ctx, a.Name); unlessGone(err) != nil {
			failed[a.Name] = err
		} else {
			r.burnt[a.Name] = true
		}
	}
	return failed
}

// distrustEach has every robot of left of a keyless team trust nobody any more; the errors are by the robot's name.
func (r *retirement) distrustEach(ctx context.Context, left []account) map[string]error {
	failed := map[string]error{}
	for _, a := range left {
		if !r.Keyless {
			break
		}
		// A Quay that has no federation gives nobody a token for another's.
		if err := unlessGone(r.Quay.DeleteFederation(ctx, a.Name)); err != nil && !errors.Is(err, quay.ErrNoFederation) {
			failed[a.Name] = err
		}
	}
	return failed
}

func (r *retirement) checkDeleted(ctx context.Context) (bool, string, error) {
	left, err := r.toDelete(ctx)
	names := []string{}
	for _, a := range left {
		names = append(names, a.Name)
	}
	if err != nil || len(names) > 0 {
		return false, strings.Join(names, ", "), err
	}
	return true, "there is none", nil
}

// inMirror is the error for a robot that is not deleted, since Quay would delete the organization's mirror with it, without a word: it
// refuses where a repository's mirror uses a robot, and looks for none of a whole organization (quay/quay data/model/user.py,
// delete_robot).
func inMirror(robot, organization string) error {
	return &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("robot %q, which has no right any more, makes the repositories of the mirror that organization %q is, and Quay would delete that mirror with it", robot, organization),
		Next: "give the mirror another robot in Quay, then run this again"}
}

func (r *retirement) delete(ctx context.Context) error {
	left, err := r.toDelete(ctx)
	if err != nil || len(left) == 0 {
		return err
	}
	mirroring, err := r.Quay.MirrorRobot(ctx, r.Organization)
	if err != nil {
		return err
	}
	armed := false
	for _, a := range left {
		if a.Name == mirroring {
			err = errors.Join(err, inMirror(a.Name, r.Organization))
			continue
		}
		armed = armed || a.holds() != ""
		err = errors.Join(err, unlessGone(r.Quay.DeleteRobot(ctx, a.Name)))
	}
	if armed && err == nil && !r.powerless.IsZero() {
		// Somebody gave one its rights back in the meantime, as a bootstrap that was on its way.
		r.powerless = r.quayNow().UTC()
	}
	return err
}
