package robot

import (
	"context"
	"errors"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// State is how far a step is.
type State string

// The states of a step.
const (
	// Pending: it would be done.
	Pending State = "pending"
	// Running: it has begun.
	Running State = "running"
	// Changed: it was done.
	Changed State = "changed"
	// Kept: there was nothing to do.
	Kept State = "kept"
	// Warned: it cannot be done, and the others were done without it; the detail says why, and what to do.
	Warned State = "warning"
	// Refused: it stands against the whole operation; the detail says why, and what to do.
	Refused State = "refused"
)

// Step is one step of an operation: a line of a plan, of the progress, and of the result.
type Step struct {
	// ID is its name, which stays the same from one version to the next.
	ID string `json:"id"`
	// Title is what it does, in the imperative.
	Title string `json:"title"`
	State State  `json:"state"`
	// Detail is what was found or done.
	Detail string `json:"detail,omitempty"`
}

// task is how a step is done.
type task struct {
	id, title string
	// check looks whether everything is as it should be, and says what is not. It changes nothing.
	check func(ctx context.Context) (done bool, detail string, err error)
	// do makes it so; nil if only somebody else can.
	do func(ctx context.Context) error
	// next is the next step for a person where do is nil, or where check still says no after do; reason is its kind.
	next   string
	reason Reason
}

// plan says of every task whether it is to be done, and changes nothing.
func plan(ctx context.Context, tasks []task) ([]Step, error) {
	steps, pending, missing := []Step{}, false, false
	for _, t := range tasks {
		done, detail, err := t.check(ctx)
		if w := (*warned)(nil); errors.As(err, &w) {
			steps = append(steps, w.as(t))
			continue
		}
		// Quay forbids to look into an organization that does not exist.
		if err != nil && !(pending && quay.IsNotFound(err) || missing && quay.IsForbidden(err)) {
			return steps, err
		} else if err != nil {
			// What stands on a pending step cannot be looked at before that is done.
			detail = "cannot be seen yet"
		}
		state := Kept
		if !done {
			state, pending, missing = Pending, true, missing || t.id == organizationStep
		}
		steps = append(steps, Step{t.id, t.title, state, detail})
	}
	return steps, nil
}

// run does every task that is not done, in order, and looks afterwards whether it is. The steps until an error are
// returned with it.
func (s Services) run(ctx context.Context, tasks []task) ([]Step, error) {
	steps := []Step{}
	for _, t := range tasks {
		step, err := s.runTask(ctx, t)
		if w := (*warned)(nil); errors.As(err, &w) {
			step, err = w.as(t), nil
		}
		if err != nil {
			return steps, err
		}
		steps = append(steps, step)
		s.report(step)
	}
	return steps, nil
}

func (s Services) runTask(ctx context.Context, t task) (Step, error) {
	done, detail, err := t.check(ctx)
	if err != nil || done {
		return Step{t.id, t.title, Kept, detail}, err
	}
	if t.do != nil {
		s.report(Step{t.id, t.title, Running, detail})
		if err := t.do(ctx); err != nil {
			return Step{}, err
		}
		if done, detail, err = t.check(ctx); err != nil {
			return Step{}, err
		}
	}
	if !done {
		return Step{}, &Error{Reason: t.reason, Problem: fmt.Sprintf("step %q: %s", t.id, detail), Next: t.next}
	}
	return Step{t.id, t.title, Changed, detail}, nil
}

func (s Services) report(step Step) {
	if s.Report != nil {
		s.Report(step)
	}
}
