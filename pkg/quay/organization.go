package quay

import (
	"context"
	"fmt"
	"net/http"
)

// Organization is a namespace of Quay.
type Organization struct {
	Name string `json:"name"`
	// Admin says whether the client's token administers it.
	Admin bool `json:"is_admin"`
	// Teams are its teams by name; nil where the token is no member.
	Teams map[string]Team `json:"teams"`
}

// Team is a team of an organization.
type Team struct {
	// Role is member, creator or admin.
	Role string `json:"role"`
}

// Organization returns an organization; the error is one for IsNotFound if there is none.
func (c *Client) Organization(ctx context.Context, organization string) (Organization, error) {
	var answer Organization
	err := c.do(ctx, call{method: http.MethodGet, path: []string{"organization", organization}, out: &answer})
	if err != nil {
		return Organization{}, fmt.Errorf("reading organization %q: %w", organization, err)
	}
	return answer, nil
}

// CreateOrganization makes an organization. The token needs the scope user:admin; email may be empty where Quay sends no
// mail. If it exists the error is one for IsExists.
func (c *Client) CreateOrganization(ctx context.Context, organization, email string) error {
	in := map[string]string{"name": organization}
	if email != "" {
		in["email"] = email
	}
	err := c.do(ctx, call{method: http.MethodPost, path: []string{"organization"}, slash: true, in: in})
	if err != nil {
		return fmt.Errorf("creating organization %q: %w", organization, err)
	}
	return nil
}
