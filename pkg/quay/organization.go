package quay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Organization is a namespace of Quay.
type Organization struct {
	Name string `json:"name"`
	// Admin reports whether the client's token administers it: its user is an owner, and it has the scope org:admin.
	Admin bool `json:"is_admin"`
	// Teams are its teams by name; nil where the token is no member.
	Teams map[string]Team `json:"teams"`
	// TimeMachine is how long it keeps what lost its last tag, in seconds; 0 where the token is of no administrator.
	TimeMachine int `json:"tag_expiration_s"`
}

// Team is a team of an organization.
type Team struct {
	// Role is member, creator or admin.
	Role string `json:"role"`
}

// Organization returns an organization; the error is one for IsNotFound if there is none, and one for IsUnauthorized if Quay
// does not know the client's token.
func (c *Client) Organization(ctx context.Context, organization string) (Organization, error) {
	var answer Organization
	err := c.do(ctx, call{method: http.MethodGet, path: []string{"organization", organization}, out: &answer})
	if err == nil && !answer.Admin || IsNotFound(err) {
		err = cmp.Or(c.checkToken(ctx, organization), err)
	}
	if err != nil {
		return Organization{}, fmt.Errorf("reading organization %q: %w", organization, err)
	}
	return answer, nil
}

// checkToken fails if Quay does not know the client's token. Where anonymous access is on, its default, such a token reads like
// nobody's, without an error: so it asks for what nobody reads without a token, whether or not there is such an organization.
func (c *Client) checkToken(ctx context.Context, organization string) error {
	err := c.do(ctx, call{method: http.MethodGet, path: []string{"organization", organization, "robots"},
		query: url.Values{"token": {"false"}, "limit": {"1"}}})
	if e := (*Error)(nil); errors.As(err, &e) && !IsUnauthorized(err) {
		return nil
	}
	return err
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
