package shown

import (
	"fmt"
	"regexp"
	"strconv"
)

// robotPattern is the full name of a robot, of which both parts are names of Quay's (quay/quay util/validation.py).
var robotPattern = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*\+[a-z0-9]([a-z0-9._-]{0,253}[a-z0-9])$`)

// IsRobot reports whether name is <organization>+<short name>, as Quay has a robot's.
func IsRobot(name string) bool { return robotPattern.MatchString(name) }

// Robot returns a user name out of a Secret, a Docker config file or Vault as it may be shown: itself where it can be a robot's, else its
// length, since whoever swapped user name and token has the token there.
func Robot(name string) string {
	if name == "" || IsRobot(name) {
		return Short(name)
	}
	return fmt.Sprintf("a name of %d bytes that is no robot's", len(name))
}

// QuotedRobot is Robot for an error, in which a name is in quotes and a length is not.
func QuotedRobot(name string) string {
	if name == "" || IsRobot(name) {
		return strconv.Quote(Short(name))
	}
	return Robot(name)
}

// User is Robot as the subject of a sentence: `robot "team-payments+ci"`, or a user by what is no robot's name.
func User(name string) string {
	if name == "" || IsRobot(name) {
		return "robot " + QuotedRobot(name)
	}
	return "a user by " + Robot(name)
}
