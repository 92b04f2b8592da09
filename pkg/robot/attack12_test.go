//go:build attack

// What nobody has mended yet: go test -tags attack -run TestAttack ./pkg/robot

package robot_test

import (
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// Who may make robots in the organization makes the next one before the leak, buys with its token, and deletes it: what he bought is good
// again for the robot that takes over.
func TestAttackNextNameBoughtBefore(t *testing.T) {
	for _, keyless := range []bool{false, true} {
		w := newWorld(t)
		if keyless {
			w = keylessTeam(t)
		} else {
			w.onboard()
		}
		bearer, can := w.buy(second, w.quay.AddRobot("team-payments", "ci-2"))
		if bearer == "" || can {
			t.Fatal("nothing was bought, or a right")
		}
		w.quay.DeleteRobot(second)
		if _, err := w.leak(robot.FirstBurn); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			w.quay.Advance(50 * time.Minute)
			next, can := w.buy(second, bearer)
			if bearer = next; can && w.begins(next) {
				t.Errorf("keyless %t, at %s: he pushes as %q", keyless, w.quay.Now().Format(time.TimeOnly), second)
			}
		}
	}
}

// A team's robot that trusts a stranger's issuer is a way in that verify of a team with a stored credential does not see.
func TestAttackFederationOfAStoredTeam(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.SetFederation(first, quaytest.Federation{Issuer: "https://evil.example.com", Subject: "me"})
	if report, err := robot.Verify(t.Context(), w.services(), w.Tenant, own, nil); err != nil || report.OK() {
		t.Errorf("verify finds nothing: %v", err)
	}
}

// Somebody makes the robot as onboard --keyless does, and keeps its token: it is taken, and its token is not replaced.
func TestAttackKeylessRobotMadeBefore(t *testing.T) {
	w := newKeyless(t)
	s := w.observer().Quay
	made, err := s.CreateRobot(t.Context(), first, "pushes images of team payments, keyless; managed by quay-push")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreatePrototype(t.Context(), "team-payments", first, quay.Write); err != nil {
		t.Fatal(err)
	}
	if err := s.SetFederation(t.Context(), first, w.trusts()...); err != nil {
		t.Fatal(err)
	}
	w.keyless()
	if bearer, can := w.buy(first, made.Token.Reveal()); can && w.begins(bearer) {
		t.Errorf("the token of before pushes; verify says that all is right: %t", w.verify().OK())
	}
}

// A robot that somebody deleted by hand, then offboard --apply, by which the ServiceAccount goes, then onboard: the name is used again.
func TestAttackOffboardKeylessNameOfGone(t *testing.T) {
	w := keylessTeam(t)
	thief := w.steals()
	w.quay.DeleteRobot(first)
	if _, err := robot.Offboard(t.Context(), w.services(), w.Tenant); err != nil {
		t.Fatal(err)
	}
	delete(w.accounts, w.Secret)
	w.keyless()
	for range 2 {
		thief.try()
		w.quay.Advance(40 * time.Minute)
	}
	if thief.try(); thief.powerful != "" && w.begins(thief.powerful) {
		t.Errorf("the thief pushes 80 minutes after: %q", w.robots())
	}
}
