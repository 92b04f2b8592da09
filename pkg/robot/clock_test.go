package robot_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// askew are the program's connections where its clock is ahead of Quay's.
func (w *world) askew(ahead time.Duration) robot.Services {
	s := w.services()
	s.Now = func() time.Time { return w.quay.Now().Add(ahead) }
	return s
}

// How long a name is kept is counted by Quay's clock, which made the robot that keeps it, whatever the time is here. That the two
// differ is told where it is much.
func TestOffboardGoesByTheClockOfQuay(t *testing.T) {
	const kept = robot.BearerLifetime + 10*time.Minute
	for _, test := range []struct {
		ahead time.Duration
		told  string
	}{{2 * time.Hour, "; the clock of this machine is 2h0m0s ahead of Quay's, which counts"}, {-2 * time.Hour, "; the clock of this machine is 2h0m0s behind Quay's, which counts"}, {time.Second, ""}} {
		w := newWorld(t)
		w.onboard()
		s := w.askew(test.ahead)
		if _, err := robot.Offboard(t.Context(), s, w.Tenant); err != nil {
			t.Fatal(err)
		}
		w.quay.Advance(kept - time.Minute)
		steps, err := robot.Offboard(t.Context(), s, w.Tenant)
		if err != nil || len(w.robots()) != 1 {
			t.Errorf("%s ahead, before its time: the robots are %q, %v", test.ahead, w.robots(), err)
		}
		last := steps[len(steps)-1]
		if last.State != robot.Kept || !strings.Contains(last.Detail, test.told) || (test.told == "") == strings.Contains(last.Detail, "the clock") {
			t.Errorf("%s ahead: %+v", test.ahead, last)
		}
		w.quay.Advance(2 * time.Minute)
		if _, err := robot.Offboard(t.Context(), s, w.Tenant); err != nil || len(w.robots()) != 0 {
			t.Errorf("%s ahead, after its time: the robots are %q, %v", test.ahead, w.robots(), err)
		}
	}
}

// The times of a leak's report are Quay's, by which the pushes are.
func TestLeakGoesByTheClockOfQuay(t *testing.T) {
	for _, ahead := range []time.Duration{2 * time.Hour, -2 * time.Hour, 0} {
		w := newWorld(t)
		w.onboard()
		w.push("team-payments/api", "v1", first, w.quay.RobotToken(first))
		now := w.quay.Now()
		report, err := robot.Leak(t.Context(), w.askew(ahead), w.Tenant, robot.LeakOptions{Since: now.Add(-time.Hour), First: robot.FirstBurn})
		if err != nil || report.Burnt.Sub(now).Abs() > time.Minute || len(report.Pushes) != 1 || len(report.Tags) != 1 {
			t.Errorf("%s ahead: burnt %s after, %d pushes, %d tags, %v", ahead, report.Burnt.Sub(now), len(report.Pushes), len(report.Tags), err)
		}
		told := slices.ContainsFunc(report.Unknown, func(s string) bool { return strings.Contains(s, "the clock of this machine is 2h") })
		if told != (ahead != 0) {
			t.Errorf("%s ahead: not known are %q", ahead, report.Unknown)
		}
	}
}

// A Quay that tells no time leaves the clock of here, and that is told.
func TestTheClockOfHereWhereQuayTellsNone(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.Faults.Add(quaytest.Fault{Times: -1, Effect: func(_ *quaytest.Quay, answer http.ResponseWriter, r *http.Request, next http.Handler) {
		answer.Header()["Date"] = nil
		next.ServeHTTP(answer, r)
	}})
	report, err := robot.Leak(t.Context(), w.askew(time.Hour), w.Tenant, robot.LeakOptions{Since: w.quay.Now().Add(-time.Hour), First: robot.FirstBurn})
	if err != nil || report.Burnt.Sub(w.quay.Now()).Round(time.Minute) != time.Hour || !slices.ContainsFunc(report.Unknown, func(s string) bool { return strings.Contains(s, "Quay tells no time") }) {
		t.Errorf("burnt %s after, not known are %q, %v", report.Burnt.Sub(w.quay.Now()), report.Unknown, err)
	}
}

// How old a keyless team's robot is goes by Quay's clock alone, as Quay says when it was made: for one team and for all.
func TestRotateKeylessAgesByQuaysClock(t *testing.T) {
	for _, off := range []time.Duration{-100 * time.Hour, 100 * time.Hour} {
		for maxAge, want := range map[time.Duration]string{time.Hour: second, 48 * time.Hour: first} {
			w, all := keylessTeam(t), keylessTeam(t)
			if done, err := robot.Rotate(t.Context(), w.askew(off), w.Tenant, robot.RotateOptions{MaxAge: maxAge}); err != nil || done.Robot != want {
				t.Errorf("the clock is off by %s, --max-age %s: %+v, %v", off, maxAge, done, err)
			}
			opts := allOptions()
			opts.MaxAge = maxAge
			if done := robot.RotateAll(t.Context(), all.askew(off), []robot.Tenant{all.Tenant}, opts); done.Teams[0].Robot != want {
				t.Errorf("the clock is off by %s, --max-age %s, --all: %+v", off, maxAge, done)
			}
		}
	}
}
