package robot_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// operations are all that change a credential, by name.
var operations = map[string]func(ctx context.Context, s robot.Services, w *world) error{
	"bootstrap": func(ctx context.Context, s robot.Services, w *world) error {
		_, err := robot.Bootstrap(ctx, s, w.Tenant, robot.BootstrapOptions{})
		return err
	},
	"rotate": func(ctx context.Context, s robot.Services, w *world) error {
		_, err := robot.Rotate(ctx, s, w.Tenant, robot.RotateOptions{})
		return err
	},
	"rotate in place": func(ctx context.Context, s robot.Services, w *world) error {
		_, err := robot.Rotate(ctx, s, w.Tenant, robot.RotateOptions{InPlace: true})
		return err
	},
	"leak": func(ctx context.Context, s robot.Services, w *world) error {
		_, err := robot.Leak(ctx, s, w.Tenant, robot.LeakOptions{Since: w.quay.Now().Add(-time.Hour), First: robot.FirstBurn})
		return err
	},
	"leak, replacing first": func(ctx context.Context, s robot.Services, w *world) error {
		_, err := robot.Leak(ctx, s, w.Tenant, robot.LeakOptions{Since: w.quay.Now().Add(-time.Hour), First: robot.FirstReplace})
		return err
	},
}

// Whatever was done to a credential, in whatever order and broken off wherever, bootstrap and then rotate put it right; and what is
// done to the end leaves it right by itself.
func TestLifeOfACredential(t *testing.T) {
	t.Parallel()
	names := []string{"bootstrap", "rotate", "rotate in place", "leak", "leak, replacing first"}
	for range 20 {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		w := newWorld(t)
		w.onboard()
		told := fmt.Sprintf("seed %d:", seed)
		for range 12 {
			name := names[random.IntN(len(names))]
			w.calls, w.crashAt, w.dead = 0, random.IntN(60), false
			err := operations[name](t.Context(), w.services(), w)
			crashed := w.dead
			w.crashAt, w.dead = 0, false
			w.quay.Advance(time.Minute)
			if told += fmt.Sprintf(" %s (crash: %t)", name, crashed); crashed {
				continue
			}
			// A robot whose token nobody has any more is one that bootstrap is for.
			e := (*robot.Error)(nil)
			if err != nil && !(errors.As(err, &e) && (strings.Contains(e.Next, "bootstrap") || strings.Contains(e.Next, "not in place"))) {
				t.Fatalf("%s: %v", told, err)
			}
			if err == nil && name != "bootstrap" && !w.works() {
				t.Fatalf("%s: the Secret cannot push", told)
			}
		}
		for _, name := range []string{"bootstrap", "rotate", "rotate"} {
			if err := operations[name](t.Context(), w.services(), w); err != nil {
				t.Fatalf("%s: at last %s: %v", told, name, err)
			}
		}
		report, err := robot.Verify(t.Context(), w.services(), w.Tenant, own, nil)
		if got := wrong(report); len(got) > 0 || err != nil {
			t.Errorf("%s: not right: %q, %v", told, got, err)
		}
		w.pushes(told)
	}
}

// Quay loses the answer to any one request: what was asked is done all the same, or the error says what to do, and doing it helps.
func TestOperationsOutliveALostAnswer(t *testing.T) {
	t.Parallel()
	for name, operation := range operations {
		lost, failed := 0, 0
		for nth := 1; ; nth += stride() {
			w := newWorld(t)
			w.onboard()
			w.quay.ForgetRequests()
			w.quay.Faults.Add(quaytest.Fault{Name: "lost", Nth: nth, Effect: quaytest.CommitThenReset()})
			err := operation(t.Context(), w.observer(), w)
			met := false
			for _, r := range w.quay.Requests() {
				met = met || r.Fault == "lost"
			}
			if !met {
				break
			}
			if lost++; err != nil {
				failed++
			}
			w.quay.Faults.Clear()
			if err := operation(t.Context(), w.observer(), w); err != nil {
				t.Errorf("%s after a lost answer to request %d (%v): %v", name, nth, err, err)
			}
			w.pushes(fmt.Sprintf("%s after a lost answer to request %d", name, nth))
		}
		t.Logf("%s: %d answers lost, it gave up at %d", name, lost, failed)
		if lost < 6/stride() {
			t.Errorf("%s: only %d answers were lost", name, lost)
		}
	}
}

// Quay that lets nobody change anything stops every operation at its first change, and the credential stays as it is.
func TestOperationsOnAReadOnlyQuay(t *testing.T) {
	for name, operation := range operations {
		if name == "bootstrap" {
			continue // It has nothing to change.
		}
		w := newWorld(t)
		w.onboard()
		w.quay.ForgetRequests()
		w.quay.SetReadOnly(true)
		err := operation(t.Context(), w.observer(), w)
		if err == nil || !strings.Contains(err.Error(), "read-only") {
			t.Errorf("%s: error is %v", name, err)
		}
		if !w.works() || len(w.live()) != 1 {
			t.Errorf("%s: the credential was changed", name)
		}
		for _, r := range w.quay.Requests() {
			if r.Method != http.MethodGet && r.Status < 400 {
				t.Errorf("%s: %s %s was taken", name, r.Method, r.Path)
			}
		}
	}
}
