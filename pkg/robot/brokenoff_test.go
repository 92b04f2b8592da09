package robot_test

import (
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// A leak is killed after each of its calls, and somebody bootstraps the team instead of running it again: once the leaked robot has begun
// to lose its rights, bootstrap ends it. What is left of it elsewhere verify names, and rotate mends.
func TestBootstrapEndsWhatALeakBegan(t *testing.T) {
	t.Parallel()
	ended := 0
	for crashAt := 1; ; crashAt += stride() {
		w := newWorld(t)
		w.onboard()
		w.quay.AddTeamMember("team-payments", "pushers", "member", first)
		w.crashAt = crashAt
		if _, err := w.leak(robot.FirstBurn); err == nil {
			break
		}
		w.crashAt, w.dead = 0, false
		begun := !hasDefault(t, w, first)
		if _, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{}); err != nil {
			t.Fatalf("after call %d: %v", crashAt, err)
		}
		if !begun {
			continue
		}
		ended++
		for _, repository := range own {
			if role := w.quay.Role(repository, first); role != "" {
				t.Errorf("after call %d: the leaked robot has %q on %q", crashAt, role, repository)
			}
		}
		if w.quay.RobotToken(first) != "" {
			t.Errorf("after call %d: the leaked robot is there", crashAt)
		}
		right := w.works() && len(w.live()) == 1
		report, err := robot.Verify(t.Context(), w.observer(), w.Tenant, own, nil)
		if got := wrong(report); err != nil || (len(got) == 0) != right {
			t.Errorf("after call %d: it is right: %t, verify finds %q, %v", crashAt, right, got, err)
		}
		if _, err := robot.Rotate(t.Context(), w.observer(), w.Tenant, robot.RotateOptions{}); err != nil {
			t.Errorf("after call %d: %v", crashAt, err)
		}
		report, err = robot.Verify(t.Context(), w.observer(), w.Tenant, own, nil)
		if got := wrong(report); err != nil || len(got) > 0 {
			t.Errorf("after call %d and a rotation: verify finds %q, %v", crashAt, got, err)
		}
	}
	if ended < 20/stride() {
		t.Errorf("only %d times the end had begun", ended)
	}
}

// hasDefault reports whether a robot gets a role on repositories that are made later.
func hasDefault(t *testing.T, w *world, robot string) bool {
	t.Helper()
	all, err := w.observer().Quay.Prototypes(t.Context(), w.Organization)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Delegate == robot {
			return true
		}
	}
	return false
}

// The robots of an unfinished rotation have their default permissions, and runs may push with them still: bootstrap leaves them to rotate,
// and says so; verify does not call that right.
func TestBootstrapLeavesAnUnfinishedRotation(t *testing.T) {
	w := newWorld(t)
	w.unfinished()
	steps, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{})
	if err != nil || !w.works() || w.quay.Role("team-payments/api", first) != quaytest.Write {
		t.Errorf("the Secret works: %t, %v; steps %v", w.works(), err, steps)
	}
	report, err := robot.Verify(t.Context(), w.observer(), w.Tenant, own, nil)
	if err != nil || report.OK() {
		t.Errorf("verify calls it right, %v", err)
	}
}
