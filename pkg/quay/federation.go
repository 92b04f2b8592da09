package quay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Trusted is an issuer of tokens, and whom of it a robot takes for itself.
type Trusted struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// ErrNoFederation says that this Quay has no robot federation: it is older than 3.13.
var ErrNoFederation = errors.New("this Quay has no robot federation, which came with 3.13")

// Federation returns whom robot trusts, in Quay's order; nobody is no error.
func (c *Client) Federation(ctx context.Context, robot string) ([]Trusted, error) {
	trusted := []Trusted{}
	if err := c.federationCall(ctx, call{method: http.MethodGet, out: &trusted}, robot); err != nil {
		return nil, fmt.Errorf("reading whom robot %q trusts: %w", robot, err)
	}
	return trusted, nil
}

// SetFederation has robot trust those and no others.
func (c *Client) SetFederation(ctx context.Context, robot string, trusted ...Trusted) error {
	// Sent twice it makes the same list.
	err := c.federationCall(ctx, call{method: http.MethodPost, again: true, in: append([]Trusted{}, trusted...)}, robot)
	if err != nil {
		return fmt.Errorf("setting whom robot %q trusts: %w", robot, err)
	}
	return nil
}

// DeleteFederation has robot trust nobody.
func (c *Client) DeleteFederation(ctx context.Context, robot string) error {
	if err := c.federationCall(ctx, call{method: http.MethodDelete}, robot); err != nil {
		return fmt.Errorf("deleting whom robot %q trusts: %w", robot, err)
	}
	return nil
}

func (c *Client) federationCall(ctx context.Context, r call, robot string) error {
	organization, short, err := splitRobot(robot)
	if err != nil {
		return err
	}
	r.path = []string{"organization", organization, "robots", short, "federation"}
	if err = c.do(ctx, r); hasNoRoute(err) {
		return fmt.Errorf("%w: %w", ErrNoFederation, err)
	}
	return err
}

// hasNoRoute reports whether err is what Quay answers for a path that its API does not have: it looks for a page of that name, which
// would have a slash at its end, and takes nothing but GET for one.
func hasNoRoute(err error) bool {
	e := (*Error)(nil)
	if !errors.As(err, &e) {
		return false
	}
	switch e.Status {
	case http.StatusNotFound:
		return !e.own && !e.login
	case http.StatusMethodNotAllowed:
		return true
	case http.StatusMovedPermanently, http.StatusPermanentRedirect:
		return strings.HasSuffix(e.Message, e.Path+"/")
	}
	return false
}
