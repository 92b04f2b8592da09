package robot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// replace answers a leak with the new robot first, and waits so long for runs.
func (w *world) replace(runs time.Duration) (robot.LeakReport, error) {
	w.Helper()
	return robot.Leak(w.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now().Add(-time.Hour), First: robot.FirstReplace, Runs: runs})
}

// A run that began with the old token logs in with it until it ends: where the new robot comes first, that does not fail once. A run that
// began with the new one is not waited for.
func TestLeakWaitsForRuns(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	username, token := w.secretCredential()
	w.runs = []string{"ci/run-1/u1"}
	looks, pushed := 0, 0
	w.onRuns = func() { // The caller holds mu.
		if looks++; looks > 5 {
			w.runs = []string{"ci/run-2/u2"}
			return
		}
		if w.quay.RobotToken(username) != token || !w.mayPush(username) {
			t.Errorf("at look %d the run cannot push any more", looks)
		}
		pushed++
	}
	report, err := w.replace(time.Minute)
	if err != nil || pushed != 5 || w.quay.RobotToken(first) != "" || report.Outage != 0 {
		t.Errorf("the run pushed %d times, %+v, %v", pushed, report, err)
	}
	w.pushes("after the leak")
}

// A run that does not end is waited for as long as is asked for, and the leaked robot is ended then: the report names the run.
func TestLeakWaitsForRunsNoLonger(t *testing.T) {
	for _, runs := range []time.Duration{0, 20 * time.Millisecond} {
		w := newWorld(t)
		w.onboard()
		w.runs = []string{"ci/run-1/u1"}
		report, err := w.replace(runs)
		if err != nil || report.Burnt.IsZero() || w.quay.RobotToken(first) != "" {
			t.Errorf("%s: %+v, %v", runs, report, err)
		}
		want := fmt.Sprintf("whether runs failed that began with the leaked token and had not ended after %s: 1 left: ci/run-1/u1", runs)
		if !slices.Contains(report.Unknown, want) {
			t.Errorf("%s: not known are %q", runs, report.Unknown)
		}
		w.pushes("after the leak")
	}
}

// Where runs cannot be listed nobody would know whom the end of the old robot fails: that is told before anything is made.
func TestLeakThatCannotListRuns(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.noRuns = fmt.Errorf("%w: no", robot.ErrRunsForbidden)
	if _, err := w.replace(time.Minute); err == nil || !strings.Contains(err.Error(), "nothing was burnt, as the new robot comes first and failed: it is not known which runs") || len(w.robots()) != 1 {
		t.Errorf("error is %v, the robots are %q", err, w.robots())
	}
	// Where the old one is ended first there is nothing to wait for.
	if _, err := w.leak(robot.FirstBurn); err != nil {
		t.Error(err)
	}
}
