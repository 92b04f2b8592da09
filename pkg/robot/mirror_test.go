package robot_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// With a robot Quay deletes the mirror of a whole organization for which it is used, without a word: such a robot is ended and not
// deleted, and that is an error until the mirror has another.
func TestARobotOfTheOrganizationsMirrorIsNotDeleted(t *testing.T) {
	for name, end := range map[string]func(w *world) error{
		"rotate": func(w *world) error {
			_, err := robot.Rotate(w.Context(), w.services(), w.Tenant, robot.RotateOptions{})
			return err
		},
		"leak":          func(w *world) error { _, err := w.leak(robot.FirstBurn); return err },
		"leak, replace": func(w *world) error { _, err := w.leak(robot.FirstReplace); return err },
		"offboard": func(w *world) error {
			_, err := robot.Offboard(w.Context(), w.services(), w.Tenant)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.onboard()
			w.quay.SetMirror("team-payments", first)
			token := w.quay.RobotToken(first)
			err := end(w)
			e := (*robot.Error)(nil)
			if !errors.As(err, &e) || e.Reason != robot.ReasonRefused || !strings.Contains(err.Error(), `robot "team-payments+ci", which has no right any more, makes the repositories of the mirror`) {
				t.Errorf("error is %v", err)
			}
			if now := w.quay.RobotToken(first); !w.quay.Mirrored("team-payments") || now == "" || now == token || w.mayPush(first) {
				t.Errorf("the mirror is there: %t, its robot may push: %t", w.quay.Mirrored("team-payments"), w.mayPush(first))
			}
			if name != "offboard" {
				w.pushes("with a mirror")
			}
			w.quay.AddRobot("team-payments", "mirror")
			w.quay.SetMirror("team-payments", "team-payments+mirror")
			if err := end(w); err != nil || w.quay.RobotToken(first) != "" || !w.quay.Mirrored("team-payments") {
				t.Errorf("with another robot for the mirror: %v", err)
			}
		})
	}
}
