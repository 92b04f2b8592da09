package robot_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// unfinished has a rotation that has put the standby robot's token into Vault, and no more: the Secret has the old one.
func (w *world) unfinished() {
	w.Helper()
	w.onboard()
	token := w.quay.AddRobot("team-payments", "ci-b")
	for _, repository := range own {
		w.quay.Grant(repository, standby, "write")
	}
	w.quay.SetDefaultPermission("team-payments", standby, "write")
	w.put(w.VaultPath, vault.Data{"username": secret.New(standby), "token": secret.New(token)})
}

// refuses fails the test unless rotating is a conflict for which bootstrap is the way out, and that way leads out.
func (w *world) refuses(text string) {
	w.Helper()
	_, err := robot.Rotate(w.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	e := (*robot.Error)(nil)
	if !errors.As(err, &e) || e.Reason != robot.ReasonConflict || !strings.Contains(err.Error(), text) || !strings.Contains(e.Next, "bootstrap") {
		w.Errorf("error is %v", err)
	}
}

// wayOut fails the test unless bootstrap, then rotate, put the credential right.
func (w *world) wayOut() {
	w.Helper()
	if _, err := robot.Bootstrap(w.Context(), w.services(), w.Tenant, robot.BootstrapOptions{}); err != nil {
		w.Error(err)
	}
	if _, err := robot.Rotate(w.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil {
		w.Error(err)
	}
	w.pushes("after the way out")
}

func TestRotateGoesOn(t *testing.T) {
	w := newWorld(t)
	w.unfinished()
	result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	if err != nil || !result.Resumed || result.Robot != standby {
		t.Errorf("result is %v, %v", result, err)
	}
	w.pushes("gone on")
}

// Somebody replaced the new token in Quay before the Secret had it: what the Secret has is good, and is not replaced by what is dead.
func TestRotateDoesNotHandOverADeadToken(t *testing.T) {
	w := newWorld(t)
	w.unfinished()
	w.quay.RegenerateRobot(standby)
	w.refuses(`Quay has another token of robot "team-payments+ci-b" than Vault`)
	if username, _ := w.secretCredential(); username != first || !w.works() {
		t.Errorf("the Secret has %q, good: %t", username, w.works())
	}
	w.wayOut()
}

// Both tokens were burnt, as by a leak that was broken off: that there is nothing left to burn does not make the rotation good.
func TestRotateDoesNotFinishOnADeadToken(t *testing.T) {
	w := newWorld(t)
	w.unfinished()
	w.quay.RegenerateRobot(first)
	w.quay.RegenerateRobot(standby)
	w.refuses(`Quay has another token of robot "team-payments+ci-b" than Vault`)
	if len(w.live()) != 2 {
		t.Errorf("%d versions are left", len(w.live()))
	}
	w.wayOut()
}

func TestRotateWithoutTheNewRobot(t *testing.T) {
	w := newWorld(t)
	w.unfinished()
	w.quay.DeleteRobot(standby)
	w.refuses(`robot "team-payments+ci-b", which Vault has, is gone from Quay`)
	if !w.works() {
		t.Error("the Secret does not work any more")
	}
	w.wayOut()
}

// Without the old robot there is nothing to burn.
func TestRotateWithoutTheOldRobot(t *testing.T) {
	w := newWorld(t)
	w.unfinished()
	w.sync(w.Secret)
	w.quay.DeleteRobot(first)
	result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	if got := states(result.Steps); err != nil || !slices.Equal(got, []string{"secret kept", "burn kept", "destroy changed", "robots kept"}) || len(w.live()) != 1 {
		t.Errorf("steps are %q, %v", got, err)
	}
	w.pushes("without the old robot")
}
