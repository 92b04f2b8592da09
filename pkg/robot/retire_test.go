package robot_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// leak ends the robots and gives the team another.
func (w *world) leak(first robot.First) (robot.LeakReport, error) {
	w.Helper()
	return robot.Leak(w.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now().Add(-time.Hour), First: first})
}

// Who owns another organization can give any robot something there, by names that this one has too. That keeps nobody from ending it,
// and is told.
func TestWhatARobotHasElsewhereStopsNothing(t *testing.T) {
	for name, give := range map[string]func(w *world){
		"a team of a name that is here": func(w *world) { w.quay.AddTeamMember("team-evil", "owners", "member", first) },
		"a team of a name that is not":  func(w *world) { w.quay.AddTeamMember("team-evil", "pushers", "member", first) },
		"a repository, by default permission": func(w *world) {
			w.quay.SetDefaultPermission("team-evil", first, quaytest.Read)
			w.quay.AddRepository("team-evil", "trap")
		},
		"a repository of a name that is here": func(w *world) {
			w.quay.SetDefaultPermission("team-evil", first, quaytest.Read)
			w.quay.AddRepository("team-evil", "api")
		},
	} {
		for _, way := range []robot.First{robot.FirstBurn, robot.FirstReplace} {
			t.Run(name+", "+string(way), func(t *testing.T) {
				w := newWorld(t)
				w.onboard()
				w.quay.AddOrganization("team-evil")
				give(w)
				report, err := w.leak(way)
				if err != nil || !slices.Equal(w.robots(), []string{second}) || !slices.ContainsFunc(report.Unknown, func(s string) bool { return strings.Contains(s, "another organization") }) {
					t.Errorf("the robots are %q, not known: %q, %v", w.robots(), report.Unknown, err)
				}
				w.pushes("after the leak")
			})
		}
		w := newWorld(t)
		w.onboard()
		w.quay.AddOrganization("team-evil")
		give(w)
		if _, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil {
			t.Errorf("%s: rotate: %v", name, err)
		}
		w.rotated(name)
	}
}

// A repository that is made while the rights are taken gives a role to whoever has the default permission: that is taken, too.
func TestARightThatComesMeanwhileIsTaken(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.Faults.Add(quaytest.Fault{Method: http.MethodDelete, Path: "/prototypes/", Effect: quaytest.Do(func() { w.quay.AddRepository("team-payments", "made-now") })})
	if _, err := w.leak(robot.FirstBurn); err != nil || w.quay.Role("team-payments/made-now", first) != "" || w.quay.Role("team-payments/made-now", second) != quaytest.Write {
		t.Errorf("%v, the roles are %q and %q", err, w.quay.Role("team-payments/made-now", first), w.quay.Role("team-payments/made-now", second))
	}
}

// What nobody could see afterwards is not said to be gone.
func TestRightsThatAreNotSeenAreNotSaidToBeGone(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.Faults.Add(quaytest.Fault{Method: http.MethodGet, Path: "/organization/team-payments/robots$", Nth: 2, Times: 9, Effect: quaytest.Status(500, nil, "")})
	report, err := w.leak(robot.FirstBurn)
	if e := (*robot.Error)(nil); !errors.As(err, &e) || !strings.HasPrefix(e.Problem, `it is not known whether the rights of "team-payments+ci" were taken`) || !report.Burnt.IsZero() {
		t.Errorf("burnt %s, %v", report.Burnt, err)
	}
}

// A robot that was made and never came to Vault keeps its name until there is a later one.
func TestNoNameIsUsedTwice(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	s := w.services()
	s.Vault = unwritable{s.Vault}
	if _, err := robot.Rotate(t.Context(), s, w.Tenant, robot.RotateOptions{}); err == nil || w.quay.RobotToken(second) == "" {
		t.Fatalf("there is no second robot, %v", err)
	}
	if result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{MaxAge: 24 * time.Hour}); err != nil || result.Robot != first || !w.mayPush(second) {
		t.Errorf("right after: %+v, %v; the second, which somebody may be about to use, may push: %t", result, err, w.mayPush(second))
	}
	w.quay.Advance(time.Hour)
	if result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{MaxAge: 24 * time.Hour}); err != nil || result.Robot != first || w.mayPush(second) || w.quay.RobotToken(second) == "" {
		t.Errorf("tidied: %+v, %v; the second may push: %t", result, err, w.mayPush(second))
	}
	if result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil || result.Robot != "team-payments+ci-3" {
		t.Errorf("rotated: %+v, %v", result, err)
	}
	w.rotated("in the end")
}

// unwritable is a Vault that takes nothing.
type unwritable struct{ robot.Vault }

func (unwritable) Write(context.Context, string, vault.Data, int) (int, error) {
	return 0, errors.New("away")
}

// A credential that Quay does not take is replaced however young it is.
func TestADeadCredentialIsNeverYoung(t *testing.T) {
	for name, kill := range map[string]func(w *world){
		"a leak that was broken off": func(w *world) {
			s := w.services()
			s.Vault = unwritable{s.Vault}
			if _, err := robot.Leak(w.Context(), s, w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn}); err == nil {
				w.Error("it was not broken off")
			}
		},
		"a token of which nobody knows": func(w *world) { w.quay.RegenerateRobot(first) },
		"a robot that is gone":          func(w *world) { w.quay.DeleteRobot(first) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.onboard()
			kill(w)
			if result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{MaxAge: 720 * time.Hour}); err != nil || result.Robot == first {
				t.Errorf("%+v, %v", result, err)
			}
			w.rotated(name)
		})
	}
}

// Somebody else works on the same team: who comes last says so, or the team can push.
func TestTwoAtOnceDoNotBothSayThatAllIsWell(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.Faults.Add(quaytest.Fault{Method: http.MethodPut, Path: "/robots/ci-2$", Effect: quaytest.Do(func() {
		if _, err := w.leak(robot.FirstBurn); err != nil {
			t.Error(err)
		}
	})})
	_, err := robot.Offboard(t.Context(), w.services(), w.Tenant)
	if e := (*robot.Error)(nil); !errors.As(err, &e) || e.Reason != robot.ReasonConflict || !strings.Contains(e.Problem, `somebody else made robot "team-payments+ci-2" at the same time`) {
		t.Errorf("offboard: %v", err)
	}
	w.pushes("the leak was answered in the middle of an offboarding")
}

// Quay keeps a robot that a mirror uses: the team has its new one all the same, and the error is about the other alone.
func TestLeakOfARobotThatAMirrorUses(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.Faults.Add(quaytest.Fault{Method: http.MethodDelete, Path: "robots/ci$", Times: -1,
		Effect: quaytest.Status(http.StatusBadRequest, nil, `{"error_message":"Robot is being used by a mirror"}`)})
	report, err := w.leak(robot.FirstBurn)
	if err == nil || !strings.Contains(err.Error(), "Robot is being used by a mirror") || report.Robot != second || slices.ContainsFunc(report.Unknown, func(s string) bool { return strings.Contains(s, "whether the team can push") }) {
		t.Errorf("%+v, %v", report, err)
	}
	if w.pushes("with a mirror"); !w.works() || w.mayPush(first) || len(w.live()) != 1 {
		t.Errorf("the Secret works: %t; the old robot may push: %t; %d versions", w.works(), w.mayPush(first), len(w.live()))
	}
}

// Its own checks fail: leak does not end as if all were well.
func TestLeakFailsWithItsVerification(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.Faults.Add(quaytest.Fault{Method: http.MethodDelete, Path: "/robots/ci$", Effect: quaytest.Do(func() { w.quay.RegenerateRobot(second) })})
	report, err := w.leak(robot.FirstReplace)
	if e := (*robot.Error)(nil); !errors.As(err, &e) || e.Reason != robot.ReasonDrift || !strings.Contains(e.Problem, `check "vault-token" of verify fails`) || report.Burnt.IsZero() {
		t.Errorf("%+v, %v", report, err)
	}
}
