package quay

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Robot is an account of an organization.
type Robot struct {
	// Name is the full name, <organization>+<short name>.
	Name        string `json:"name"`
	Description string `json:"description"`
	// Created and LastAccessed are zero where Quay does not say. Quay writes down a login at most once a minute.
	Created      Time `json:"created"`
	LastAccessed Time `json:"last_accessed"`
	// Token is the robot's password.
	Token secret.Value `json:"-"`
}

// wireRobot is a robot as Quay writes it.
type wireRobot struct {
	Name         string `json:"name"`
	Description  string `json:"description"`
	Created      Time   `json:"created"`
	LastAccessed Time   `json:"last_accessed"`
	Token        string `json:"token"`
}

type named struct {
	Name string `json:"name"`
}

func (w wireRobot) robot() Robot {
	return Robot{Name: w.Name, Description: w.Description, Created: w.Created, LastAccessed: w.LastAccessed, Token: secret.New(w.Token)}
}

// Time is a time as the API writes it: RFC 2822, or null.
type Time struct{ time.Time }

// UnmarshalJSON reads "Tue, 24 Nov 2026 10:00:00 -0000" or null.
func (t *Time) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "null" || text == "" {
		t.Time = time.Time{}
		return nil
	}
	parsed, err := time.Parse(time.RFC1123Z, text)
	if err != nil {
		return fmt.Errorf("reading a time: %w", err)
	}
	t.Time = parsed.UTC()
	return nil
}

// splitRobot splits a full robot name for a path.
func splitRobot(robot string) (organization, short string, err error) {
	organization, short, ok := strings.Cut(robot, "+")
	if !ok || organization == "" || short == "" || strings.Contains(short, "+") {
		return "", "", fmt.Errorf("robot %q is not <organization>+<short name>", robot)
	}
	return organization, short, nil
}

// robotCall sends a call to a robot's path, with the given elements after it, and returns the robot in the answer.
func (c *Client) robotCall(ctx context.Context, r call, robot string, after ...string) (Robot, error) {
	organization, short, err := splitRobot(robot)
	if err != nil {
		return Robot{}, err
	}
	var answer wireRobot
	r.path, r.out = append([]string{"organization", organization, "robots", short}, after...), &answer
	if err := c.do(ctx, r); err != nil {
		return Robot{}, err
	}
	if answer.Name != robot || answer.Token == "" {
		return Robot{}, &unsureError{fmt.Errorf("asked for robot %q, Quay answered with %q or without its token", robot, shown.Short(answer.Name))}
	}
	return answer.robot(), nil
}

// Robot returns the robot with the full name and its token, which Quay shows to an administrator of the organization.
func (c *Client) Robot(ctx context.Context, robot string) (Robot, error) {
	found, err := c.robotCall(ctx, call{method: http.MethodGet}, robot)
	if err != nil {
		return Robot{}, fmt.Errorf("reading robot %q: %w", robot, err)
	}
	return found, nil
}

// CreateRobot makes the robot with the full name. If it exists the error is one for IsExists.
func (c *Client) CreateRobot(ctx context.Context, robot, description string) (Robot, error) {
	made, err := c.robotCall(ctx, call{method: http.MethodPut, in: map[string]string{"description": description}}, robot)
	if err != nil {
		return Robot{}, fmt.Errorf("creating robot %q: %w", robot, err)
	}
	return made, nil
}

// RegenerateRobot replaces the token of the robot. The old one is refused from then on. Bearer tokens that it bought stay good until
// they expire, at most an hour, and from v3.13 on each of them buys the next (quay/quay data/model/user.py, verify_robot_jwt_token).
func (c *Client) RegenerateRobot(ctx context.Context, robot string) (Robot, error) {
	// Sent twice it makes a second new token, and only that one is returned.
	changed, err := c.robotCall(ctx, call{method: http.MethodPost, again: true}, robot, "regenerate")
	if err != nil {
		return Robot{}, fmt.Errorf("regenerating robot %q: %w", robot, err)
	}
	return changed, nil
}

// DeleteRobot removes the robot with all its rights.
func (c *Client) DeleteRobot(ctx context.Context, robot string) error {
	organization, short, err := splitRobot(robot)
	if err != nil {
		return err
	}
	if err := c.do(ctx, call{method: http.MethodDelete, path: []string{"organization", organization, "robots", short}}); err != nil {
		return fmt.Errorf("deleting robot %q: %w", robot, err)
	}
	return nil
}
