package robot_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// A robot that somebody made by hand under a name of the team's stays as it is, and is told of; unless Vault names it: then it is the
// team's, whoever made it.
func TestLeakLeavesRobotsOfOthersAlone(t *testing.T) {
	for _, way := range []robot.First{robot.FirstBurn, robot.FirstReplace} {
		for _, named := range []bool{false, true} {
			w := newWorld(t)
			w.onboard()
			token := w.quay.AddRobot("team-payments", "ci-2")
			w.quay.Grant("team-payments/api", second, quaytest.Write)
			if named {
				w.put(w.VaultPath, vault.Data{"username": secret.New(second), "token": secret.New(token)})
			}
			plan, err := robot.PlanLeak(t.Context(), w.observer(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: way})
			if planned := strings.Contains(strings.Join(titles(plan.Steps), "\n"), `end the robot "team-payments+ci-2"`); planned != named || err != nil && !named {
				t.Errorf("%s, in Vault: %t: planned: %t, %v", way, named, planned, err)
			}
			report, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: way})
			if err != nil || report.Robot != "team-payments+ci-3" {
				t.Fatalf("%s, in Vault: %t: %+v, %v", way, named, report, err)
			}
			stays := w.quay.RobotToken(second) == token && w.quay.Role("team-payments/api", second) == quaytest.Write
			if stays == named || slices.Contains(report.Ended, second) != named || w.quay.RobotToken(first) != "" {
				t.Errorf("%s, in Vault: %t: the robot of others stays: %t, ended are %q", way, named, stays, report.Ended)
			}
			told := slices.ContainsFunc(report.Unknown, func(s string) bool {
				return strings.Contains(s, `whose robot "team-payments+ci-2" is, which has a role on 1 repositories`) && strings.Contains(s, "if its token leaked, delete it in Quay's own pages")
			})
			if told == named {
				t.Errorf("%s, in Vault: %t: not known are %q", way, named, report.Unknown)
			}
			w.pushes("after the leak")
		}
	}
}

// Vault that is away keeps no robot from being burnt, and a robot of which only Vault could tell stays.
func TestLeakBurnsThoughVaultCannotTell(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	token := w.quay.AddRobot("team-payments", "ci-2")
	s := w.services()
	s.Vault = troubledVault{s.Vault, func(string) error { return vault.ErrSealed }}
	report, err := robot.Leak(t.Context(), s, w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn})
	if err == nil || report.Burnt.IsZero() || w.mayPush(first) || w.quay.RobotToken(second) != token {
		t.Errorf("burnt %s, the first may push: %t, %v", report.Burnt, w.mayPush(first), err)
	}
}

// Somebody makes a robot of the next name by hand in the very moment in which it is made here: it is not taken for ours.
func TestARobotThatSomebodyMakesMeanwhileIsNotTaken(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.Faults.Add(quaytest.Fault{Method: "PUT", Path: "/robots/ci-2$", Effect: quaytest.Do(func() { w.quay.AddRobot("team-payments", "ci-2") })})
	_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	if err == nil || !strings.Contains(err.Error(), `somebody made robot "team-payments+ci-2" at the same time, and not with this tool; run it again`) || w.mayPush(second) || !w.works() {
		t.Errorf("error is %v, it may push: %t", err, w.mayPush(second))
	}
	if result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil || result.Robot != "team-payments+ci-3" {
		t.Errorf("run again: %+v, %v", result, err)
	}
}

func titles(steps []robot.Step) []string {
	found := []string{}
	for _, s := range steps {
		found = append(found, s.Title)
	}
	return found
}
