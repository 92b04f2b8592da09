package quay

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

// TokenPath is where a robot logs in: an Error with it is about the robot's token, every other one about the OAuth token.
const TokenPath = "/v2/auth"

// maxScopes is how many repositories one request asks about: more make a URL that nginx refuses.
const maxScopes = 40

// Rights are the actions that a robot has on repositories, as the token service grants them: push, pull or *.
type Rights map[string][]string

// Push reports whether the robot may push to "organization/name".
func (r Rights) Push(repository string) bool {
	return slices.Contains(r[repository], "push") || slices.Contains(r[repository], "*")
}

// Rights asks what robot may do with repositories, each "organization/name", by buying a token for them and reading it;
// nothing is pushed. Without repositories it asks only whether the token is good: if not, the error is one for
// IsUnauthorized.
//
// The repositories must exist. Quay makes a missing one in the course of such a request, if the robot may create
// (quay/quay endpoints/v2/v2auth.py).
func (c *Client) Rights(ctx context.Context, robot string, token secret.Value, repositories ...string) (Rights, error) {
	rights := Rights{}
	for first := 0; first == 0 || first < len(repositories); first += maxScopes {
		batch := repositories[first:min(first+maxScopes, len(repositories))]
		if err := c.askRights(ctx, robot, token, batch, rights); err != nil {
			return nil, fmt.Errorf("asking for the rights of %q: %w", robot, err)
		}
	}
	return rights, nil
}

// askRights asks for one token and adds what it grants to rights.
func (c *Client) askRights(ctx context.Context, robot string, token secret.Value, repositories []string, rights Rights) error {
	query := url.Values{"service": {c.base.Host}}
	for _, repository := range repositories {
		if _, err := splitRepository(repository); err != nil {
			return err
		}
		query.Add("scope", "repository:"+repository+":pull,push")
	}
	var answer struct {
		Token string `json:"token"`
	}
	err := c.send(ctx, call{method: http.MethodGet, path: strings.Split(TokenPath[1:], "/"), query: query, out: &answer,
		authorization: token.Basic(robot), again: true})
	if err != nil {
		return err
	}
	granted, err := parseAccess(answer.Token)
	if err != nil {
		return err
	}
	for _, repository := range repositories {
		rights[repository] = granted[repository]
	}
	return nil
}

// parseAccess reads the access claim of a JWT without verifying it: that is for the registry, and here a false one could
// only come from Quay itself.
func parseAccess(token string) (map[string][]string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("the token that Quay issued is not a JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, fmt.Errorf("the token that Quay issued has no payload")
	}
	var claims struct {
		Access []struct {
			Type    string   `json:"type"`
			Name    string   `json:"name"`
			Actions []string `json:"actions"`
		} `json:"access"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return nil, fmt.Errorf("the token that Quay issued has no claims")
	}
	granted := map[string][]string{}
	for _, a := range claims.Access {
		if a.Type == "repository" {
			granted[a.Name] = append(granted[a.Name], a.Actions...)
		}
	}
	return granted, nil
}
