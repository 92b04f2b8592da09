package quay

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Role is what somebody may do with a repository. The empty one is nothing.
type Role string

// The roles of Quay, each with the rights of the ones before it.
const (
	Read  Role = "read"
	Write Role = "write"
	Admin Role = "admin"
)

// Includes reports whether r allows what need allows.
func (r Role) Includes(need Role) bool {
	order := []Role{"", Read, Write, Admin}
	return slices.Index(order, r) >= slices.Index(order, need)
}

type roleAnswer struct {
	Role Role `json:"role"`
}

// splitRepository splits "organization/name" into the elements of a path.
func splitRepository(repository string) ([]string, error) {
	elements := strings.Split(repository, "/")
	if len(elements) < 2 || slices.Contains(elements, "") {
		return nil, fmt.Errorf("repository %q is not <organization>/<name>", repository)
	}
	return elements, nil
}

// repositoryCall sends a call to a repository's path, with the given elements after it.
func (c *Client) repositoryCall(ctx context.Context, r call, repository string, after ...string) error {
	elements, err := splitRepository(repository)
	if err != nil {
		return err
	}
	r.path = slices.Concat([]string{"repository"}, elements, after)
	return c.do(ctx, r)
}

// SetPermission gives robot the role on "organization/name" in place of the one it had directly. The repository must
// exist: Quay crashes on one that does not, which is a 500.
func (c *Client) SetPermission(ctx context.Context, repository, robot string, role Role) error {
	err := c.repositoryCall(ctx, call{method: http.MethodPut, in: roleAnswer{role}}, repository, "permissions", "user", robot)
	if err != nil {
		return fmt.Errorf("granting %q to %q on %q: %w", role, robot, repository, err)
	}
	return nil
}

// EffectivePermission returns the highest role that robot has on "organization/name", directly or through a team; empty
// if it has none, or if the robot or the repository does not exist.
func (c *Client) EffectivePermission(ctx context.Context, repository, robot string) (Role, error) {
	var answer struct {
		Permissions []roleAnswer `json:"permissions"`
	}
	err := c.repositoryCall(ctx, call{method: http.MethodGet, out: &answer}, repository, "permissions", "user", robot, "transitive")
	if err != nil && !IsNotFound(err) {
		return "", fmt.Errorf("reading effective permission of %q on %q: %w", robot, repository, err)
	}
	highest := Role("")
	for _, p := range answer.Permissions {
		if p.Role.Includes(highest) {
			highest = p.Role
		}
	}
	return highest, nil
}
