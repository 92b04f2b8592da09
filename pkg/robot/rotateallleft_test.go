package robot_test

import (
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// A robot that a crash left before Vault knew it is still able to push: it goes, however young the credential in use is.
func TestRotateAllTidies(t *testing.T) {
	w := newWorld(t)
	tenants := w.teams(2)
	if _, err := w.observer().Quay.CreateRobot(t.Context(), tenants[1].Organization+"+ci-2", "t1; managed by quay-push"); err != nil {
		t.Fatal(err)
	}
	w.quay.Grant(tenants[1].Organization+"/app", tenants[1].Organization+"+ci-2", "write")
	opts := allOptions()
	wants(t, robot.RotateAll(t.Context(), w.services(), tenants[1:], opts), "t1 kept") // Somebody may be about to use it.
	w.quay.Advance(time.Hour)
	opts.MaxAge += time.Hour
	opts.DryRun = true
	wants(t, robot.RotateAll(t.Context(), w.services(), tenants, opts), "t0 due", "t1 unfinished")
	opts.DryRun = false
	result := robot.RotateAll(t.Context(), w.services(), tenants, opts)
	wants(t, result, "t0 rotated", "t1 resumed")
	if got := w.inUse(tenants[1]); got != firstOf(tenants[1]) || result.Teams[1].Robot != got {
		t.Errorf("it pushes with %q, told is %q", got, result.Teams[1].Robot)
	}
	wants(t, robot.RotateAll(t.Context(), w.services(), tenants[1:], opts), "t1 kept")
}
