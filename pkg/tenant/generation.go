package tenant

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxGeneration is the highest number that a robot of a team has.
const maxGeneration = 999_999

// Generation returns which of the team's robots username is: 1 for a name of RobotNames, n for <first name>-<n>; 0 if it is none of
// them. A later robot has a higher generation, and no robot gets the name of an earlier one: from v3.13 on Quay takes a bearer token
// for the password of a robot of that name (quay/quay data/model/user.py, verify_robot_jwt_token).
func (n Names) Generation(username string) int {
	if slices.Contains(n.RobotNames, username) {
		return 1
	}
	digits, ok := strings.CutPrefix(username, n.RobotNames[0]+"-")
	number, err := strconv.Atoi(digits)
	if !ok || err != nil || number < 2 || number > maxGeneration || strconv.Itoa(number) != digits {
		return 0
	}
	return number
}

// Robot returns the full name of the team's robot of a generation, which is 1 or more.
func (n Names) Robot(generation int) string {
	if generation == 1 {
		return n.RobotNames[0]
	}
	return fmt.Sprintf("%s-%d", n.RobotNames[0], generation)
}

// OwnsRobot reports whether username is one of the team's robots.
func (n Names) OwnsRobot(username string) bool { return n.Generation(username) > 0 }

// RobotInUse returns the robot that a keyless team's ServiceAccount is at Quay: the one that it was onboarded with, or that one's
// successor, if it has a later one. So neither who applies again what was rendered at onboarding, nor who comes late, brings back a robot
// that was ended. A name that is none of the team's robots is returned as it is, for the caller to refuse.
func (n Names) RobotInUse(onboarded, successor string) string {
	switch {
	case successor == "" || !n.OwnsRobot(onboarded):
		return onboarded
	case n.OwnsRobot(successor) && n.Generation(successor) <= n.Generation(onboarded):
		return onboarded
	}
	return successor
}

// validateRobots reports the first of RobotNames that could not name a robot, or would name two.
func (c Convention) validateRobots() error {
	if len(c.RobotNames) == 0 {
		return fmt.Errorf("robot-names is empty")
	}
	first := Names{RobotNames: c.RobotNames[:1]}
	for i, short := range c.RobotNames {
		// Quay's shortest user name has two characters (quay/quay util/validation.py).
		if len(short) < 2 || !shortPattern.MatchString(short) {
			return fmt.Errorf("robot-names: %q is not a robot's short name", short)
		}
		if i > 0 && first.OwnsRobot(short) {
			return fmt.Errorf("robot-names: %q is named by %q already", short, c.RobotNames[0])
		}
	}
	return nil
}
