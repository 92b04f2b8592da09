package quay

import (
	"context"
	"fmt"
	"net/http"
)

// MirrorRobot returns the full name of the robot with which organization, as a whole, is the mirror of another registry's namespace;
// empty where it is none, or where this Quay knows of no such thing, which came with 3.17 (quay/quay endpoints/api/org_mirror.py).
func (c *Client) MirrorRobot(ctx context.Context, organization string) (string, error) {
	var answer struct {
		Robot string `json:"robot_username"`
	}
	err := c.do(ctx, call{method: http.MethodGet, path: []string{"organization", organization, "mirror"}, out: &answer})
	switch {
	case IsNotFound(err), hasNoRoute(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("reading the mirror of organization %q: %w", organization, err)
	}
	return answer.Robot, nil
}
