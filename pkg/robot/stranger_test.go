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

// Nor where he does it earlier, as while the rotation waits for a Secret: after whichever call.
func TestARobotThatSomebodyMakesBeforeItsTurnIsNotTaken(t *testing.T) {
	t.Parallel()
	for _, keyless := range []bool{false, true} {
		taken, refused := 0, 0
		for at := 1; at < 30; at += stride() {
			w := newWorld(t)
			if keyless {
				w = keylessTeam(t)
			} else {
				w.onboard()
			}
			calls, made, s := 0, false, w.services()
			w.onCall = func() {
				if calls++; calls == at && w.quay.RobotToken(second) == "" {
					w.quay.AddRobot("team-payments", "ci-2")
					made = true
				}
			}
			done, err := robot.Rotate(t.Context(), s, w.Tenant, robot.RotateOptions{})
			if w.onCall = nil; !made {
				continue
			}
			switch stays := w.quay.RobotToken(second) != "" && !w.mayPush(second); {
			case err == nil && done.Robot == "team-payments+ci-3" && stays:
			case err != nil && strings.Contains(err.Error(), `somebody made robot "team-payments+ci-2" at the same time, and not with this tool; run it again`) && stays && w.mayPush(first):
				refused++
			default:
				taken++
				t.Errorf("keyless %t, made after call %d: rotated to %q, %v; it may push: %t", keyless, at, done.Robot, err, w.mayPush(second))
			}
		}
		if taken+refused < 2 {
			t.Errorf("keyless %t: only %d times it was made in between", keyless, refused)
		}
	}
}

// Somebody makes the robot with the last number that there is: none is made that would be nobody's, and nothing is lost for ever.
func TestTheLastNumber(t *testing.T) {
	const last = "team-payments+ci-999999"
	for name, end := range map[string]func(w *world) error{
		"rotate": func(w *world) error {
			_, err := robot.Rotate(w.Context(), w.services(), w.Tenant, robot.RotateOptions{})
			return err
		},
		"leak":          func(w *world) error { _, err := w.leak(robot.FirstBurn); return err },
		"leak, replace": func(w *world) error { _, err := w.leak(robot.FirstReplace); return err },
	} {
		for _, keyless := range []bool{false, true} {
			w := newWorld(t)
			if keyless {
				w = keylessTeam(t)
			} else {
				w.onboard()
			}
			w.quay.AddRobot("team-payments", "ci-999999")
			err := end(w)
			if err == nil || !strings.Contains(err.Error(), `"team-payments+ci-1000000" would be none of team "payments"; delete that one in Quay's own pages`) {
				t.Errorf("%s, keyless %t: %v", name, keyless, err)
			}
			if robots := w.robots(); len(robots) != 2 || w.mayPush(first) != (name != "leak") {
				t.Errorf("%s, keyless %t: the robots are %q, the first may push: %t", name, keyless, robots, w.mayPush(first))
			}
			w.quay.DeleteRobot(last)
			if err := end(w); err != nil || !slices.Equal(w.robots(), []string{second}) {
				t.Errorf("%s, keyless %t, without that: %v, %q", name, keyless, err, w.robots())
			}
			if works := keyless && w.gives() || !keyless && w.works(); !works {
				t.Errorf("%s, keyless %t: the team cannot push", name, keyless)
			}
		}
	}
}
