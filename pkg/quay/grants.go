package quay

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Grants is what a robot holds, but for default permissions.
type Grants struct {
	Robot
	// Repositories are those, "organization/name", on which it has a role of its own; Teams are the teams that it is in.
	Repositories, Teams []string
}

// Robots lists the robots of organization with what they hold, without tokens.
func (c *Client) Robots(ctx context.Context, organization string) ([]Grants, error) {
	var answer struct {
		Robots []struct {
			wireRobot
			Teams        []named  `json:"teams"`
			Repositories []string `json:"repositories"`
		} `json:"robots"`
	}
	err := c.do(ctx, call{method: http.MethodGet, path: []string{"organization", organization, "robots"},
		query: url.Values{"permissions": {"true"}, "token": {"false"}}, out: &answer})
	if err != nil {
		return nil, fmt.Errorf("listing robots of %q: %w", organization, err)
	}
	found := []Grants{}
	for _, r := range answer.Robots {
		// Quay looks for them with LIKE, which takes an underscore for any character.
		if !strings.HasPrefix(r.Name, organization+"+") {
			continue
		}
		g := Grants{Robot: r.robot()}
		for _, name := range r.Repositories {
			g.Repositories = append(g.Repositories, organization+"/"+name)
		}
		for _, team := range r.Teams {
			g.Teams = append(g.Teams, team.Name)
		}
		found = append(found, g)
	}
	return found, nil
}

// DeletePermission takes from robot the role that it has directly on "organization/name". The error is one for IsNotFound if it has none.
func (c *Client) DeletePermission(ctx context.Context, repository, robot string) error {
	err := c.repositoryCall(ctx, call{method: http.MethodDelete}, repository, "permissions", "user", robot)
	if err != nil {
		return fmt.Errorf("taking the permission of %q on %q: %w", robot, repository, err)
	}
	return nil
}

// DeletePrototype deletes a default permission; what it gave before stays. The error is one for IsNotFound if there is none.
func (c *Client) DeletePrototype(ctx context.Context, organization, id string) error {
	err := c.do(ctx, call{method: http.MethodDelete, path: []string{"organization", organization, "prototypes", id}})
	if err != nil {
		return fmt.Errorf("deleting default permission %q in %q: %w", id, organization, err)
	}
	return nil
}

// RemoveMember takes robot out of a team of organization. The error is one for IsNotFound if it is not in it.
func (c *Client) RemoveMember(ctx context.Context, organization, team, robot string) error {
	err := c.do(ctx, call{method: http.MethodDelete, path: []string{"organization", organization, "team", team, "members", robot}})
	if err != nil {
		return fmt.Errorf("taking %q out of team %q of %q: %w", robot, team, organization, err)
	}
	return nil
}
