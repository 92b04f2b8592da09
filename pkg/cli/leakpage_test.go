package cli_test

import (
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
)

// As docs/leak.md has it: somebody deleted the robots in Quay's own pages, and leak goes on from there with a name that none of them had.
func TestLeakAfterItWasEndedByHand(t *testing.T) {
	w := newWorld(t)
	w.onboard("payments")
	w.must("rotate", "payments")
	w.quay.DeleteRobot("team-payments+ci-2")
	report := w.must("leak", "payments", "--since", "72h")
	for _, want := range []string{"The team pushes with team-payments+ci-3.", "## Pushes in that time: not known\n", "## Tags set in that time: 0\n"} {
		if !strings.Contains(report, want) {
			t.Errorf("%q is not in\n%s", want, report)
		}
	}
	w.must("verify", "payments")
}

// As docs/install.md has it: after the upgrade from two robots verify names the one that was replaced, and a rotation ends that one
// alone. The robot in use, whose token may have leaked before, ends with another leak.
func TestUpgradeFromTwoRobots(t *testing.T) {
	w := newWorld(t)
	w.onboard("payments")
	w.quay.AddRobot("team-payments", "ci-b")
	w.quay.Grant("team-payments/app", "team-payments+ci-b", quaytest.Write)
	exit, stdout, _ := w.run(t.Context(), "", "verify", "payments")
	if exit != cli.ExitLeaked || !strings.Contains(stdout, `"team-payments+ci-b" has a role on 1 repositories`) || strings.Count(stdout, "failed") != 1 {
		t.Fatalf("exit %d\n%s", exit, stdout)
	}
	token := w.quay.RobotToken("team-payments+ci")
	stdout = w.must("rotate", "payments", "--max-age", "720h")
	if !strings.Contains(stdout, "team payments pushes with team-payments+ci\n") || w.quay.RobotToken("team-payments+ci") != token {
		t.Errorf("the robot in use did not stay as it was\n%s", stdout)
	}
	w.must("verify", "payments")
	if report := w.must("leak", "payments", "--since", "720h"); !strings.Contains(report, "The team pushes with team-payments+ci-2.") {
		t.Errorf("leak says\n%s", report)
	}
	w.must("verify", "payments")
}
