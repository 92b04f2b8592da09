package tenant_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// A robot that was adopted is its own organization's team's, and one of the same short name no other team's.
func TestAnAdoptedRobotIsOfOneTeam(t *testing.T) {
	c := tenant.Default()
	c.AdoptedRobots = []string{"team-payments+jenkins_push", "team-pay+pusher"}
	for robot, want := range map[string]int{
		"team-payments+jenkins_push": 1, "team-payments+ci": 1, "team-payments+ci-7": 7, "team-payments+pusher": 0, "team-pay+pusher": 0, "team-payments+jenkins": 0,
	} {
		if got := c.Names("payments").Generation(robot); got != want {
			t.Errorf("generation of %q is %d, want %d", robot, got, want)
		}
	}
	if c.Names("billing").OwnsRobot("team-billing+pusher") || !c.Names("pay").OwnsRobot("team-pay+pusher") {
		t.Error("the robot is another team's")
	}
	if next := c.Names("payments").Robot(1); next != "team-payments+ci" {
		t.Errorf("a first robot is %q", next)
	}
	if names := tenant.Default().Names("payments").RobotNames; !slices.Equal(names, []string{"team-payments+ci", "team-payments+ci-b"}) {
		t.Errorf("without adopted robots they are %q", names)
	}
}

func TestAdoptedRobotsAreNames(t *testing.T) {
	for _, good := range []string{"team-payments+pusher", "team-payments+payments_ci", "team-x+ci-b", "acme+a.b-c"} {
		c := tenant.Default()
		c.AdoptedRobots = []string{good}
		if err := c.Validate(); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"pusher": "not <organization>+<short name>", "team-payments+": "not <organization>", "+pusher": "not <organization>", "team-payments+a+b": "not <organization>",
		"Team+pusher": "not <organization>", "team-payments+ci-2": "named by robot-names already", "team-payments+ci": "named by robot-names already",
	} {
		c := tenant.Default()
		c.AdoptedRobots = []string{bad}
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", bad, err, want)
		}
	}
}
