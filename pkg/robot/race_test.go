package robot_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// works on a team, each as another process does it: none knows of the others but by Quay, Vault and the cluster.
var works = map[string]func(ctx context.Context, s robot.Services, t robot.Tenant, now time.Time) error{
	"rotate": func(ctx context.Context, s robot.Services, t robot.Tenant, _ time.Time) error {
		_, err := robot.Rotate(ctx, s, t, robot.RotateOptions{})
		return err
	},
	"rotate what is old": func(ctx context.Context, s robot.Services, t robot.Tenant, _ time.Time) error {
		_, err := robot.Rotate(ctx, s, t, robot.RotateOptions{MaxAge: time.Hour})
		return err
	},
	"leak": func(ctx context.Context, s robot.Services, t robot.Tenant, now time.Time) error {
		_, err := robot.Leak(ctx, s, t, robot.LeakOptions{Since: now.Add(-time.Hour), First: robot.FirstBurn})
		return err
	},
	"leak, replacing first": func(ctx context.Context, s robot.Services, t robot.Tenant, now time.Time) error {
		_, err := robot.Leak(ctx, s, t, robot.LeakOptions{Since: now.Add(-time.Hour), First: robot.FirstReplace, Runs: time.Minute})
		return err
	},
	"bootstrap": func(ctx context.Context, s robot.Services, t robot.Tenant, _ time.Time) error {
		_, err := robot.Bootstrap(ctx, s, t, robot.BootstrapOptions{})
		return err
	},
}

// Wherever one command is, another does all of its work in between. A leak that says that it is done has ended every robot of then,
// for good; who says that all is well has left a credential in the Secret that pushes; and bootstrap and rotate lead out of what is left.
func TestTwoAtOnceAnywhere(t *testing.T) {
	for outer := range works {
		for _, inner := range []string{"rotate", "rotate what is old", "leak", "leak, replacing first"} {
			t.Run(outer+", and in it "+inner, func(t *testing.T) {
				t.Parallel()
				points, every := 0, 3*stride()
				for at := 1 + len(outer+inner)%every; race(t, outer, inner, at); at += every {
					points++
				}
				if points < 15/every {
					t.Errorf("only %d points", points)
				}
			})
		}
	}
}

// race has the inner work done after call number at of the outer one, and reports whether it came to that.
func race(t *testing.T, outer, inner string, at int) bool {
	w := newWorld(t)
	w.onboard()
	when := fmt.Sprintf("%s, and after its call %d %s", outer, at, inner)
	calls, began := 0, false
	var before []string
	var failedInner error
	s := w.services()
	w.onCall = func() {
		if calls++; calls != at {
			return
		}
		began = true
		before = w.robots()
		failedInner = works[inner](t.Context(), w.observer(), w.Tenant, w.quay.Now())
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	failed := works[outer](ctx, s, w.Tenant, w.quay.Now())
	w.mu.Lock()
	w.onCall = nil
	w.mu.Unlock()
	if ctx.Err() != nil {
		t.Errorf("%s: it did not end", when)
	}
	if !began {
		return false
	}
	if inner[:4] == "leak" && failedInner == nil {
		for _, name := range before {
			if w.quay.RobotToken(name) != "" || w.quay.Role("team-payments/api", name) != "" {
				t.Errorf("%s: %q, which leaked, is there again", when, name)
			}
		}
	}
	if outer[:4] == "leak" && failed == nil && w.quay.RobotToken(first) != "" {
		t.Errorf("%s: %q, which leaked, is there", when, first)
	}
	if outer == "bootstrap" && failedInner == nil && w.quay.RobotToken(first) != "" {
		t.Errorf("%s: %q, which was ended, is there again", when, first)
	}
	if failed == nil && !w.works() {
		t.Errorf("%s: it says that all is well, and the Secret cannot push", when)
	}
	if failedInner == nil && !w.works() {
		t.Errorf("%s: the inner one said that all was well, and the Secret cannot push: %v", when, failed)
	}
	// The way out.
	for _, work := range []string{"bootstrap", "rotate"} {
		if err := works[work](t.Context(), w.observer(), w.Tenant, w.quay.Now()); err != nil {
			t.Errorf("%s: the way out, %s: %v; before: %v, %v", when, work, err, failed, failedInner)
		}
	}
	report, err := robot.Verify(t.Context(), w.observer(), w.Tenant, own, nil)
	if got := wrong(report); err != nil || len(got) > 0 || !w.works() {
		t.Errorf("%s: in the end %q, %v; the robots are %q", when, got, err, w.robots())
	}
	if slices.Contains(w.robots(), first) {
		t.Errorf("%s: in the end the robots are %q", when, w.robots())
	}
	return true
}
