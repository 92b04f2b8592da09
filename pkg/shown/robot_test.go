package shown_test

import (
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// A robot's name is shown, and what could be a token that was swapped with it is not.
func TestRobot(t *testing.T) {
	token := strings.Repeat("CANARY00", 8)
	for name, want := range map[string]struct{ bare, quoted string }{
		"":                        {"", `""`},
		"team-payments+ci":        {"team-payments+ci", `"team-payments+ci"`},
		"team-payments+jenkins_2": {"team-payments+jenkins_2", `"team-payments+jenkins_2"`},
		"alice":                   {"a name of 5 bytes that is no robot's", "a name of 5 bytes that is no robot's"},
		token:                     {"a name of 64 bytes that is no robot's", "a name of 64 bytes that is no robot's"},
		"team-payments+" + token:  {"a name of 78 bytes that is no robot's", "a name of 78 bytes that is no robot's"},
		"team-payments+ci\n":      {"a name of 17 bytes that is no robot's", "a name of 17 bytes that is no robot's"},
	} {
		user := shown.User(name)
		if strings.Contains(user, "CANARY") || user != "robot "+want.quoted && user != "a user by "+want.bare {
			t.Errorf("%q is in a sentence as %s", name, user)
		}
		if bare, quoted := shown.Robot(name), shown.QuotedRobot(name); bare != want.bare || quoted != want.quoted {
			t.Errorf("%q is shown as %s, and in an error as %s", name, bare, quoted)
		}
	}
	if long := shown.Robot(strings.Repeat("x", 1000) + "+ci"); len(long) > 300 {
		t.Errorf("a long name is shown with %d bytes", len(long))
	}
}
