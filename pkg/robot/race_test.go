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
var works = map[string]func(ctx context.Context, s robot.Services, w *world) error{
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
	"bootstrap": func(ctx context.Context, s robot.Services, w *world) error {
		_, err := robot.Bootstrap(ctx, s, w.Tenant, robot.BootstrapOptions{})
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

// inners are the works that are done in between.
var inners = []string{"rotate", "rotate what is old", "leak", "leak, replacing first"}

// kind is what a team is, and what is different with that.
type kind struct {
	team func(testing.TB) *world
	// makes is the work that gives the team its robot; least is how many calls each work makes at least.
	makes string
	least int
	// pushes reports whether the team can push, verify is what is found in the end.
	pushes func(*world) bool
	verify func(*world) (robot.Report, error)
	// out are the works that lead out of what is left.
	out []string
}

// Wherever one command is, another does all of its work in between. A leak that says that it is done has ended every robot of then,
// for good; who says that all is well has left a credential in the Secret that pushes; and bootstrap and rotate lead out of what is left.
func TestTwoAtOnceAnywhere(t *testing.T) {
	kind{team: func(t testing.TB) *world {
		w := newWorld(t)
		w.onboard()
		return w
	}, makes: "bootstrap", least: 15, pushes: (*world).works, verify: func(w *world) (robot.Report, error) {
		return robot.Verify(w.Context(), w.observer(), w.Tenant, own, nil)
	}, out: []string{"bootstrap", "rotate"}}.meet(t)
}

// The same of a team that stores no token: its ServiceAccount has the Secret's place.
func TestTwoAtOnceKeyless(t *testing.T) {
	kind{team: keylessTeam, makes: "onboard", least: 10, pushes: (*world).gives, verify: func(w *world) (robot.Report, error) {
		return w.verify(), nil
	}, out: []string{"rotate", "rotate what is old"}}.meet(t)
}

// meet has each work on such a team meet each other one, at some of its calls.
func (k kind) meet(t *testing.T) {
	for _, outer := range append([]string{k.makes}, inners...) {
		for _, inner := range inners {
			t.Run(outer+", and in it "+inner, func(t *testing.T) {
				t.Parallel()
				points, every := 0, 3*stride()
				for at := 1 + len(outer+inner)%every; k.race(t, outer, inner, at); at += every {
					points++
				}
				if points < k.least/every {
					t.Errorf("only %d points", points)
				}
			})
		}
	}
}

// race has the inner work done after call number at of the outer one, and reports whether it came to that.
func (k kind) race(t *testing.T, outer, inner string, at int) bool {
	w := k.team(t)
	when := fmt.Sprintf("%s, and after its call %d %s", outer, at, inner)
	calls, began := 0, false
	var before []string
	var failedInner error
	s := w.services()
	w.listen(func() {
		if calls++; calls != at {
			return
		}
		began = true
		w.listen(nil) // Else the inner one would wait for this.
		before = w.robots()
		failedInner = works[inner](t.Context(), w.observer(), w)
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	failed := works[outer](ctx, s, w)
	if w.listen(nil); ctx.Err() != nil {
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
	if outer == "bootstrap" && failedInner == nil && w.quay.RobotToken(first) != "" {
		t.Errorf("%s: %q, which was ended, is there again", when, first)
	}
	if failed == nil && !k.pushes(w) {
		t.Errorf("%s: it says that all is well, and the team cannot push", when)
	}
	if failedInner == nil && !k.pushes(w) {
		t.Errorf("%s: the inner one said that all was well, and the team cannot push: %v", when, failed)
	}
	for _, work := range k.out {
		if err := works[work](t.Context(), w.observer(), w); err != nil {
			t.Errorf("%s: the way out, %s: %v; before: %v, %v", when, work, err, failed, failedInner)
		}
	}
	report, err := k.verify(w)
	if got := wrong(report); err != nil || len(got) > 0 || !k.pushes(w) {
		t.Errorf("%s: in the end %q, %v; the robots are %q, before: %v, %v", when, got, err, w.robots(), failed, failedInner)
	}
	if slices.Contains(w.robots(), first) {
		t.Errorf("%s: in the end the robots are %q", when, w.robots())
	}
	return true
}
