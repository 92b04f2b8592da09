package robot

import (
	"context"
	"errors"
	"slices"
)

// team does one team, within its own time.
func (r *rotationOfAll) team(all context.Context, t agedTeam) TeamRotation {
	ctx, cancel := context.WithTimeout(all, r.Timeout)
	defer cancel()
	result := TeamRotation{Team: t.Team, Written: t.written}
	if result.Err = r.twice(t.Tenant); result.Err == nil {
		result.Outcome, result.Robot, result.Err = r.do(ctx, t)
	}
	switch {
	case result.Err == nil || result.Outcome != "":
	case all.Err() != nil:
		result.Outcome = OutcomeStopped
	case ctx.Err() != nil:
		result.Outcome = OutcomeWaiting
	default:
		result.Outcome = OutcomeFailed
	}
	return result
}

// do rotates or resumes what is to be rotated or resumed. Of a young credential it first looks whether anything was left undone: only
// what is to be changed is held against others.
func (r *rotationOfAll) do(ctx context.Context, t agedTeam) (Outcome, string, error) {
	now, opts := r.now(), RotateOptions{MaxAge: r.MaxAge}
	if t.Keyless {
		now = r.quayNow()
	}
	young := now.Sub(t.written) < r.MaxAge
	for _, f := range r.foreign {
		if f.organization != t.Organization {
			opts.Foreign = append(opts.Foreign, f.path)
		}
	}
	if young || r.DryRun {
		plan, err := PlanRotate(ctx, r.Services, t.Tenant, opts)
		switch {
		case err != nil:
			return "", "", err
		case !acts(plan):
			return OutcomeKept, plan.Robot, nil
		case r.DryRun && (young || plan.Resumed):
			return OutcomeUnfinished, plan.Robot, nil
		case r.DryRun:
			return OutcomeDue, plan.Robot, nil
		}
	}
	held, result, outcome := false, RotateResult{}, OutcomeKept
	err := r.Exclusively(ctx, t.Team, func(ctx context.Context) error {
		held = true
		for {
			done, err := Rotate(ctx, r.Services, t.Tenant, opts)
			if err != nil {
				return err
			}
			again := done.Resumed && !young && outcome != OutcomeResumed
			if result = done; acts(done) && (done.Resumed || done.Robot == t.username) {
				outcome = OutcomeResumed
			} else if acts(done) {
				outcome = OutcomeRotated
			}
			if !again {
				return nil
			}
			// What was left undone long ago may itself be old.
		}
	})
	conflict := (*Error)(nil)
	switch {
	case err == nil:
		return outcome, result.Robot, nil
	case !held && errors.As(err, &conflict) && conflict.Reason == ReasonConflict:
		return OutcomeBusy, "", err
	case !held && ctx.Err() == nil:
		return "", "", &notHeld{err}
	}
	return "", "", err
}

// acts reports whether a rotation changed anything, or would.
func acts(r RotateResult) bool {
	return slices.ContainsFunc(r.Steps, func(s Step) bool { return s.State != Kept })
}

// notHeld is that a team could not be held against others, for another reason than that somebody else holds it.
type notHeld struct{ error }

func (e *notHeld) Unwrap() error { return e.error }
