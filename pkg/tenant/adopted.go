package tenant

import (
	"fmt"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// adopted are those of AdoptedRobots that are of organization.
func (c Convention) adopted(organization string) (robots []string) {
	for _, robot := range c.AdoptedRobots {
		if strings.HasPrefix(robot, organization+"+") {
			robots = append(robots, robot)
		}
	}
	return robots
}

// validateAdopted reports the first of AdoptedRobots that could not name a robot, or names one that is made here: which generation that is
// would not be known any more.
func (c Convention) validateAdopted() error {
	for _, robot := range c.AdoptedRobots {
		if !shown.IsRobot(robot) {
			return fmt.Errorf("adopted-robots: %q is not <organization>+<short name>", robot)
		}
		organization, short, _ := strings.Cut(robot, "+")
		if first := (Names{RobotNames: c.RobotNames[:1]}); first.OwnsRobot(short) {
			return fmt.Errorf("adopted-robots: %q is named by robot-names already: it is one of organization %q that is made here", robot, organization)
		}
	}
	return nil
}
