package robot_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

func TestLeakKeyless(t *testing.T) {
	for _, way := range []robot.First{robot.FirstBurn, robot.FirstReplace} {
		t.Run(string(way), func(t *testing.T) {
			w := keylessTeam(t)
			username, password := w.pushesWith()
			since := w.quay.Now()
			w.push("team-payments/api", "v1", username, password)
			w.quay.ForgetRequests()
			report, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: since, First: way})
			if err != nil {
				t.Fatal(err)
			}
			changes := w.changes()
			index := func(prefix string) int {
				return slices.IndexFunc(changes, func(c string) bool { return strings.HasPrefix(c, prefix) })
			}
			const organization, robots = "/api/v1/organization/team-payments", "/api/v1/organization/team-payments/robots/"
			// The rights come first, the default permission before all, and what comes after the rights is in this order.
			taken, burnt, distrusted, deleted, made := index("DELETE "+organization+"/prototypes/"), index("POST "+robots+"ci/regenerate"), index("DELETE "+robots+"ci/federation"),
				slices.Index(changes, "DELETE "+robots+"ci"), index("PUT "+robots+"ci-2")
			if taken < 0 || !(taken < burnt && burnt < distrusted && distrusted < deleted) || (made < taken) != (way == robot.FirstReplace) {
				t.Errorf("changes are %q", changes)
			}
			w.only(second, "after the leak")
			if !report.Verification.OK() || report.Robot != second || !slices.Equal(report.Ended, []string{first}) || report.BearersUntil.Sub(report.Burnt) != 3630*time.Second ||
				len(report.Pushes) != 1 || (report.Outage > 0) != (way == robot.FirstBurn) && report.Outage > 0 {
				t.Errorf("report is %+v, not passed: %q", report, wrong(report.Verification))
			}
			if text := markdown(t, report); !strings.Contains(text, "The team pushes with "+second) || !strings.Contains(text, "can still pull and push until "+report.BearersUntil.Format(time.RFC3339)) {
				t.Errorf("the report says\n%s", text)
			}
			if len(w.versions) > 0 {
				t.Error("Vault has something")
			}
		})
	}
}

// The program dies after each of its calls: what lost its rights never gets them back, and run again the team pushes with one robot. Where
// the new one comes first, it can push all the time.
func TestLeakKeylessGoesOnAfterACrashAnywhere(t *testing.T) {
	for _, way := range []robot.First{robot.FirstBurn, robot.FirstReplace} {
		t.Run(string(way), func(t *testing.T) {
			everyCrash(t, 40, func(crashAt int) *world {
				w, ended := keylessTeam(t), false
				w.onCall = func() {
					if holds := w.mayPush(first); holds && ended {
						t.Errorf("crash at call %d: the leaked robot has its rights again", crashAt)
					} else {
						ended = !holds
					}
					if way == robot.FirstReplace && w.sampled(crashAt) && !w.gives() {
						t.Errorf("crash at call %d: the team cannot push", crashAt)
					}
				}
				return w
			}, func(w *world) error {
				report, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now().Add(-time.Hour), First: way})
				if err == nil && !report.Verification.OK() {
					err = fmt.Errorf("not passed: %q", wrong(report.Verification))
				}
				return err
			}, (*world).replaced)
		})
	}
}

// After a leak that was broken off before the ServiceAccount named the new robot, each command that gives the team one gets it there.
func TestLeakKeylessBrokenOff(t *testing.T) {
	for name, mend := range map[string]func(w *world) error{
		"rotate": func(w *world) error {
			_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
			return err
		},
		"rotate --max-age": func(w *world) error {
			_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{MaxAge: 1000 * time.Hour})
			return err
		},
		"onboard --keyless": func(w *world) error {
			done, err := w.bootstrapKeyless(robot.BootstrapOptions{})
			w.accounts[w.Secret] = robot.ServiceAccount{Robot: done.Robot}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := keylessTeam(t)
			w.unnamed = &robot.Error{Reason: robot.ReasonNoRight, Problem: "naming robot", Next: "get the right"}
			report, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn})
			if e := (*robot.Error)(nil); !errors.As(err, &e) || e.Reason != robot.ReasonNoRight || report.Burnt.IsZero() || report.Robot != "" || !slices.Equal(report.Ended, []string{first}) {
				t.Fatalf("report is %+v, %v", report, err)
			}
			if w.mayPush(first) || w.gives() {
				t.Error("the leaked robot may push")
			}
			if report := w.verify(); report.OK() {
				t.Error("verify finds nothing")
			}
			w.unnamed = nil
			if err := mend(w); err != nil {
				t.Fatal(err)
			}
			w.replaced("mended")
		})
	}
}

// Where the new robot comes first and cannot be named, nothing is burnt.
func TestLeakKeylessReplacesFirstOrNotAtAll(t *testing.T) {
	w := keylessTeam(t)
	w.unnamed = &robot.Error{Reason: robot.ReasonNoRight, Problem: "naming robot", Next: "get the right"}
	report, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstReplace})
	if err == nil || err.Error() != "nothing was burnt, as the new robot comes first and failed: naming robot; get the right" || !report.Burnt.IsZero() {
		t.Errorf("report is %+v, %v", report, err)
	}
	if changes := w.changes(); len(changes) > 0 || !w.gives() {
		t.Errorf("changes are %q", changes)
	}
}

// A run that bought its token with the old robot is waited for, and pushes with it until it ends.
func TestLeakKeylessWaitsForRuns(t *testing.T) {
	w := keylessTeam(t)
	w.runs = []string{"ci/run-1/u1"}
	looks, pushed := 0, 0
	w.onRuns = func() { // The caller holds mu.
		if looks++; looks > 5 {
			w.runs = []string{"ci/run-2/u2"}
			return
		}
		if !w.mayPush(first) {
			t.Errorf("at look %d the run cannot push any more", looks)
		}
		pushed++
	}
	report, err := w.replace(time.Minute)
	if err != nil || pushed != 5 || !slices.Equal(report.Ended, []string{first}) || w.mayPush(first) {
		t.Errorf("the run pushed %d times, %+v, %v", pushed, report, err)
	}
	w.replaced("after the leak")
}

// A robot that trusts the ServiceAccount still is named, as a token that could not be burnt is.
func TestLeakKeylessSaysWhoIsTrustedStill(t *testing.T) {
	for status, says := range map[int]string{
		http.StatusForbidden:  `robot "team-payments+ci" still trusts the team's ServiceAccount: deleting whom robot`,
		http.StatusBadGateway: `it is not known whether "team-payments+ci" still trusts the team's ServiceAccount: deleting whom robot`,
	} {
		w := keylessTeam(t)
		w.quay.Faults.Add(quaytest.Fault{Method: http.MethodDelete, Path: "/federation$", Times: -1, Effect: quaytest.Status(status, nil, `{"message":"x"}`)})
		_, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn})
		if err == nil || !strings.HasPrefix(err.Error(), says) || w.mayPush(first) {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

func TestPlanLeakKeyless(t *testing.T) {
	w := keylessTeam(t)
	report, err := robot.PlanLeak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn})
	if err != nil || !report.Burnt.IsZero() || !report.Verification.OK() || len(w.changes()) > 0 {
		t.Errorf("report is %+v, %v", report, err)
	}
	if got := states(report.Steps); !slices.Equal(got, []string{"burn pending", "robot pending"}) || !strings.Contains(report.Steps[1].Title, second) {
		t.Errorf("steps are %v", report.Steps)
	}
}
