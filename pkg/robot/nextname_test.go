package robot_test

import (
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// Who may make robots in the organization makes the next ones beforehand, buys with their tokens and deletes them. What he bought is good
// again for the robot that takes over, which docs/leak.md says; and so that leak, run once more when what was bought has ended, ends it.
func TestLeakOnceMoreEndsNamesThatWereBought(t *testing.T) {
	const third = "team-payments+ci-3"
	w := newWorld(t)
	w.onboard()
	bought := map[string]string{}
	for name, short := range map[string]string{second: "ci-2", third: "ci-3"} {
		bought[name], _ = w.buy(name, w.quay.AddRobot("team-payments", short))
		w.quay.DeleteRobot(name)
	}
	// renew has him buy again with what he has, and says whether he can push.
	renew := func() (pushes bool) {
		for name, bearer := range bought {
			if next, can := w.buy(name, bearer); next != "" {
				bought[name] = next
				pushes = pushes || can && w.begins(next)
			}
		}
		return pushes
	}
	if _, err := w.leak(robot.FirstBurn); err != nil {
		t.Fatal(err)
	}
	for passed := time.Duration(0); passed < robot.BearerLifetime; passed += 10 * time.Minute {
		w.quay.Advance(10 * time.Minute)
		if !renew() {
			t.Fatalf("after %s he cannot push: leak.md need not say so", passed)
		}
	}
	if _, err := w.leak(robot.FirstBurn); err != nil {
		t.Fatal(err)
	}
	if username, _ := w.secretCredential(); username != third {
		t.Errorf("%q is in use", username)
	}
	w.pushes("after the second leak")
	for range 8 {
		if renew() {
			t.Error("he pushes still")
		}
		w.quay.Advance(10 * time.Minute)
	}
}
