package robot_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// keylessWorks is works for a keyless team.
var keylessWorks = map[string]func(ctx context.Context, s robot.Services, w *world) error{
	"rotate": func(ctx context.Context, s robot.Services, w *world) error {
		_, err := robot.Rotate(ctx, s, w.Tenant, robot.RotateOptions{})
		return err
	},
	"rotate what is old": func(ctx context.Context, s robot.Services, w *world) error {
		_, err := robot.Rotate(ctx, s, w.Tenant, robot.RotateOptions{MaxAge: time.Hour})
		return err
	},
	"leak": func(ctx context.Context, s robot.Services, w *world) error {
		_, err := robot.Leak(ctx, s, w.Tenant, robot.LeakOptions{Since: w.quay.Now().Add(-time.Hour), First: robot.FirstBurn})
		return err
	},
	"leak, replacing first": func(ctx context.Context, s robot.Services, w *world) error {
		_, err := robot.Leak(ctx, s, w.Tenant, robot.LeakOptions{Since: w.quay.Now().Add(-time.Hour), First: robot.FirstReplace, Runs: time.Minute})
		return err
	},
	"onboard": func(ctx context.Context, s robot.Services, w *world) error {
		done, err := robot.BootstrapKeyless(ctx, s, w.Tenant, robot.KeylessOptions{Issuer: w.issuer.URL()})
		if err == nil {
			// What is rendered is applied: of the two annotations the later robot is in use.
			w.mu.Lock()
			defer w.mu.Unlock()
			found := w.accounts[w.Secret]
			if w.Generation(done.Robot) > w.Generation(found.Robot) {
				w.accounts[w.Secret] = robot.ServiceAccount{Robot: done.Robot, Version: found.Version + "+"}
			}
		}
		return err
	},
}

// The same as TestTwoAtOnceAnywhere, of a team that stores no token.
func TestTwoAtOnceKeyless(t *testing.T) {
	for outer := range keylessWorks {
		for _, inner := range []string{"rotate", "rotate what is old", "leak", "leak, replacing first"} {
			t.Run(outer+", and in it "+inner, func(t *testing.T) {
				t.Parallel()
				points, every := 0, 3*stride()
				for at := 1 + len(outer+inner)%every; raceKeyless(t, outer, inner, at); at += every {
					points++
				}
				if points < 10/every {
					t.Errorf("only %d points", points)
				}
			})
		}
	}
}

// raceKeyless has the inner work done after call number at of the outer one, and reports whether it came to that.
func raceKeyless(t *testing.T, outer, inner string, at int) bool {
	w := keylessTeam(t)
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
		failedInner = keylessWorks[inner](t.Context(), w.observer(), w)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	failed := keylessWorks[outer](ctx, s, w)
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
				t.Errorf("%s: %q, which leaked, is there again (%v)", when, name, failed)
			}
		}
	}
	if outer[:4] == "leak" && failed == nil && w.quay.RobotToken(first) != "" {
		t.Errorf("%s: %q, which leaked, is there", when, first)
	}
	if failed == nil && !w.gives() {
		t.Errorf("%s: it says that all is well, and the team cannot push", when)
	}
	if failedInner == nil && !w.gives() {
		t.Errorf("%s: the inner one said that all was well, and the team cannot push: %v", when, failed)
	}
	// The way out.
	for _, work := range []string{"rotate", "rotate what is old"} {
		if err := keylessWorks[work](t.Context(), w.observer(), w); err != nil {
			t.Errorf("%s: the way out, %s: %v; before: %v, %v", when, work, err, failed, failedInner)
		}
	}
	report := w.verify()
	if got := wrong(report); len(got) > 0 || !w.gives() {
		t.Errorf("%s: in the end %q; the robots are %q, sa %q; before: %v, %v", when, got, w.robots(), w.accounts[w.Secret].Robot, failed, failedInner)
	}
	if slices.Contains(w.robots(), first) {
		t.Errorf("%s: in the end the robots are %q", when, w.robots())
	}
	return true
}
