package robot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// surplus is what a robot may do beyond pushing.
type surplus struct {
	// repositories are those that it administers.
	repositories []string
	// teams are those with which it administers the organization or makes repositories in it.
	teams []membership
	// defaults are its default permissions that give more than Write.
	defaults []quay.Prototype
}

// membership is that in a team of the organization, which gives a role.
type membership struct{ team, role string }

func (m membership) String() string { return fmt.Sprintf("team %q with the role %q", m.team, m.role) }

// String lists it; empty if there is none.
func (s surplus) String() string {
	found := []string{}
	if len(s.repositories) > 0 {
		found = append(found, "it administers"+list("", s.repositories))
	}
	if len(s.teams) > 0 {
		in := []string{}
		for _, m := range s.teams {
			in = append(in, m.String())
		}
		found = append(found, "it is in"+list("", in))
	}
	if len(s.defaults) > 0 {
		found = append(found, "it administers what is made later")
	}
	return strings.Join(found, "; ")
}

// surplus finds what the robot in use has beyond what Bootstrap gives.
func (a *adoption) surplus(ctx context.Context) (found surplus, err error) {
	o, err := a.Quay.Organization(ctx, a.Organization)
	if err != nil {
		return found, err
	}
	accounts, err := a.Services.accounts(ctx, a.Tenant)
	if err != nil {
		return found, err
	}
	robot := named(accounts, a.active.username)
	if robot == nil {
		return found, &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("somebody deleted robot %q at the same time", a.active.username), Next: nextElse}
	}
	if len(robot.elsewhere) > 0 {
		return found, &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("robot %q is in the teams %s of another organization", robot.Name, strings.Join(robot.elsewhere, ", ")),
			Next: "take it out of that organization's teams, then run this again"}
	}
	for _, team := range robot.Teams {
		if role := o.Teams[team].Role; role != "member" {
			found.teams = append(found.teams, membership{team, role})
		}
	}
	found.defaults = slices.DeleteFunc(slices.Clone(robot.defaults), func(p quay.Prototype) bool { return quay.Write.Includes(p.Role) })
	for _, repository := range a.repositories {
		role, err := a.Quay.EffectivePermission(ctx, repository, robot.Name)
		if err != nil {
			return found, err
		}
		if !quay.Write.Includes(role) {
			found.repositories = append(found.repositories, repository)
		}
	}
	return found, nil
}

// surplusTask takes from the robot what it has beyond Write, which a thief of its token would have, too. It has Write of its own before it
// loses what a team gave it, so that no push fails.
func (a *adoption) surplusTask() task {
	return task{id: "surplus", title: "have the robot push, and no more", reason: ReasonRefused,
		next: "see in Quay which team gives it more, and take it out of that; then run this again",
		check: func(ctx context.Context) (bool, string, error) {
			found, err := a.surplus(ctx)
			if more := found.String(); err != nil || more != "" {
				return false, fmt.Sprintf("robot %q may do more than push: %s", a.active.username, more), err
			}
			return true, "it may do no more", nil
		},
		do: func(ctx context.Context) error {
			found, err := a.surplus(ctx)
			if err != nil {
				return err
			}
			for _, p := range found.defaults {
				if err := a.Quay.SetPrototypeRole(ctx, a.Organization, p.ID, quay.Write); err != nil {
					return err
				}
			}
			for _, repository := range a.repositories {
				if err := a.Quay.SetPermission(ctx, repository, a.active.username, quay.Write); err != nil {
					return err
				}
			}
			for _, m := range found.teams {
				if err := unlessGone(a.Quay.RemoveMember(ctx, a.Organization, m.team, a.active.username)); err != nil {
					return err
				}
			}
			return nil
		}}
}
