package quay

import (
	"context"
	"fmt"
	"net/http"
)

// SetTeam makes the team in organization, or changes it. role is member, creator (may make repositories) or admin.
func (c *Client) SetTeam(ctx context.Context, organization, team, role string) error {
	err := c.do(ctx, call{method: http.MethodPut, path: []string{"organization", organization, "team", team},
		in: map[string]string{"role": role}})
	if err != nil {
		return fmt.Errorf("setting team %q of %q: %w", team, organization, err)
	}
	return nil
}

// TeamMembers lists the full names of the members of a team. A robot of another organization can be one.
func (c *Client) TeamMembers(ctx context.Context, organization, team string) ([]string, error) {
	var answer struct {
		Members []named `json:"members"`
	}
	err := c.do(ctx, call{method: http.MethodGet, path: []string{"organization", organization, "team", team, "members"}, out: &answer})
	if err != nil {
		return nil, fmt.Errorf("listing members of team %q of %q: %w", team, organization, err)
	}
	members := []string{}
	for _, m := range answer.Members {
		members = append(members, m.Name)
	}
	return members, nil
}

// AddTeamMember adds robot to a team; one that is a member already stays one.
func (c *Client) AddTeamMember(ctx context.Context, organization, team, robot string) error {
	err := c.do(ctx, call{method: http.MethodPut, path: []string{"organization", organization, "team", team, "members", robot}})
	if err != nil && !IsExists(err) {
		return fmt.Errorf("adding %q to team %q of %q: %w", robot, team, organization, err)
	}
	return nil
}

// RemoveTeamMember takes robot out of a team.
func (c *Client) RemoveTeamMember(ctx context.Context, organization, team, robot string) error {
	err := c.do(ctx, call{method: http.MethodDelete, path: []string{"organization", organization, "team", team, "members", robot}})
	if err != nil {
		return fmt.Errorf("removing %q from team %q of %q: %w", robot, team, organization, err)
	}
	return nil
}
