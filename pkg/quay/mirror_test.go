package quay_test

import (
	"net/http"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// An organization that is a mirror has a robot for it; one that is none, or a Quay that knows of none, has not. Any other answer is an error.
func TestMirrorRobot(t *testing.T) {
	q, c := start(t)
	if robot, err := c.MirrorRobot(t.Context(), "team-a"); robot != "" || err != nil {
		t.Errorf("without a mirror: %q, %v", robot, err)
	}
	q.SetMirror("team-a", "team-a+ci")
	if robot, err := c.MirrorRobot(t.Context(), "team-a"); robot != "team-a+ci" || err != nil {
		t.Errorf("with a mirror: %q, %v", robot, err)
	}
	for _, test := range []struct {
		status int
		body   string
		ok     bool
	}{{http.StatusNotFound, "<html>no such page</html>", true}, {http.StatusForbidden, `{"error_message":"Unauthorized"}`, false},
		{http.StatusInternalServerError, "", false}} {
		q.Faults.Clear()
		q.Faults.Add(quaytest.Fault{Path: "/mirror$", Times: -1, Effect: quaytest.Status(test.status, nil, test.body)})
		if robot, err := c.MirrorRobot(t.Context(), "team-a"); robot != "" || (err == nil) != test.ok {
			t.Errorf("%d: %q, %v", test.status, robot, err)
		}
	}
	q.Faults.Clear()
	// What this is asked for.
	if err := c.DeleteRobot(t.Context(), "team-a+ci"); err != nil || q.Mirrored("team-a") {
		t.Errorf("the mirror is there: %t, %v", q.Mirrored("team-a"), err)
	}
}
