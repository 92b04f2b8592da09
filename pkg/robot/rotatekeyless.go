package robot

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// keylessRotation is one run of Rotate of a keyless team. There is no token that could be old: it ends what was bought with the robot
// before, which could be renewed for ever. What was left undone is read from the ServiceAccount and Quay: that names the robot in use, and
// an earlier one that still holds a right is one whose runs were waited for. A robot that was made and never named goes with the next
// rotation.
type keylessRotation struct {
	*rotation
	// made is when the robot was made that the ServiceAccount named at the beginning.
	made time.Time
	// heir is the robot that takes over; nil where none is made.
	heir *keyless
}

func rotateKeyless(ctx context.Context, s Services, t Tenant, opts RotateOptions, work func(context.Context, []task) ([]Step, error)) (RotateResult, error) {
	if opts.InPlace {
		return RotateResult{}, &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("team %q is keyless: nobody has a token of its robot that could be replaced in place", t.Team),
			Next: "leave that out: another robot takes over, and no push fails"}
	}
	r := &keylessRotation{rotation: &rotation{Services: s, Tenant: t, RotateOptions: opts}}
	if err := r.load(ctx); err != nil {
		return RotateResult{}, err
	}
	result := RotateResult{Robot: r.from.username, Resumed: !r.fresh}
	tasks, err := r.tasks(ctx)
	if err != nil {
		return RotateResult{}, err
	}
	result.Steps, err = work(ctx, tasks)
	if err == nil && r.heir != nil && r.heir.forgotten {
		result.Robot = r.to.username
		err = r.checkNamed(ctx)
	}
	return result, err
}

// load finds out where the tenant stands.
func (r *keylessRotation) load(ctx context.Context) (err error) {
	if err = r.checkOneCluster(ctx, r.Tenant); err != nil {
		return err
	}
	found, err := r.serviceAccount(ctx, r.Tenant)
	if err != nil {
		return err
	}
	if err = r.checkOwner(ctx, r.Tenant); err != nil {
		return err
	}
	if r.robots, err = r.accounts(ctx, r.Tenant); err != nil {
		return err
	}
	r.from.username = found.Robot
	current := named(r.robots, found.Robot)
	r.alive = current != nil && len(current.defaults) > 0
	r.fresh = !r.alive || !slices.ContainsFunc(r.robots, func(a account) bool {
		return a.generation < current.generation && r.own(a) && a.holds() != ""
	})
	if r.alive {
		robot, err := r.Quay.Robot(ctx, current.Name)
		r.made = robot.Created.Time
		return err
	}
	return nil
}

// tasks are the steps of a rotation; of a team whose robot is young enough, those that end what another has left.
func (r *keylessRotation) tasks(ctx context.Context) (tasks []task, err error) {
	now := r.quayNow()
	age := now.Sub(r.made)
	young := r.fresh && r.alive && r.MaxAge > 0 && age < r.MaxAge
	if r.to = r.from; r.fresh && !young {
		r.to = credential{username: r.successor(r.robots, r.from.username)}
	}
	inUse := r.Generation(r.to.username)
	r.retired = r.retirement(r.Tenant, func(a account) bool {
		if a.generation > inUse && (!young || r.beingMade(a, inUse, now)) {
			return false
		}
		return a.Name != r.to.username && (r.own(a) || a.Name == r.from.username)
	})
	r.retired.below = inUse
	armed, left := r.remains()
	if armed {
		if _, err := r.unfinishedRuns(ctx, r.Tenant); err != nil {
			return nil, err
		}
	}
	switch {
	case young:
		tasks = []task{{id: "age", title: "see whether the robot is old enough", check: func(context.Context) (bool, string, error) {
			return true, fmt.Sprintf("%q is %s old", r.from.username, age.Round(time.Second)), nil
		}}}
	case r.fresh:
		if r.repositories, err = r.Services.repositories(ctx, r.Organization); err != nil {
			return nil, err
		}
		if r.heir, err = r.Services.heir(ctx, r.Tenant, r.from.username, r.to.username, r.repositories, r.Foreign); err != nil {
			return nil, err
		}
		tasks = append(r.heir.heirTasks(), r.nameTask(r.Tenant, func() string { return r.to.username }))
	}
	if armed {
		tasks = append(tasks, r.runsTask())
	}
	if left {
		tasks = append(tasks, r.retired.tasks(r.checkNamed)...)
	}
	return tasks, nil
}

// checkNamed fails unless the ServiceAccount names the robot in use, and that has its rights and trusts the ServiceAccount alone: only then
// the others are of no use.
func (r *keylessRotation) checkNamed(ctx context.Context) error {
	robots, err := r.accounts(ctx, r.Tenant)
	if err != nil {
		return err
	}
	if a := named(robots, r.to.username); a == nil || len(a.defaults) == 0 {
		return &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("somebody ended robot %q at the same time", r.to.username), Next: nextElse}
	}
	if err := r.checkInUse(ctx); err != nil {
		return err
	}
	issuer, err := r.issuer(ctx)
	if err != nil {
		return err
	}
	trust := &trust{Services: r.Services, Tenant: r.Tenant, issuer: issuer, robot: func() string { return r.to.username }}
	exact, detail, err := trust.check(ctx)
	if err == nil && !exact {
		err = &Error{Reason: ReasonDrift, Problem: fmt.Sprintf("robot %q, which the ServiceAccount names: %s", r.to.username, detail),
			Next: fmt.Sprintf("run tkn quay onboard %s --keyless, which has it trust that alone, then run this again", r.Team)}
	}
	return err
}
