package quay

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// maxPages bounds every answer that comes in pages.
const maxPages = 1000

// Repository is a repository of an organization.
type Repository struct {
	Organization string `json:"namespace"`
	// Name is the name without the organization.
	Name   string `json:"name"`
	Public bool   `json:"is_public"`
	// State is NORMAL, READ_ONLY, MIRROR or ORG_MIRROR; only a normal one takes the push of a robot.
	State string `json:"state"`
}

// Path is "organization/name".
func (r Repository) Path() string { return r.Organization + "/" + r.Name }

// Repositories lists the repositories of organization that the token may see.
func (c *Client) Repositories(ctx context.Context, organization string) ([]Repository, error) {
	found := []Repository{}
	query := url.Values{"namespace": {organization}, "public": {"true"}, "last_modified": {"false"}}
	for range maxPages {
		var answer struct {
			Repositories []Repository `json:"repositories"`
			NextPage     string       `json:"next_page"`
		}
		if err := c.do(ctx, call{method: http.MethodGet, path: []string{"repository"}, query: query, out: &answer}); err != nil {
			return nil, fmt.Errorf("listing repositories of %q: %w", organization, err)
		}
		found = append(found, answer.Repositories...)
		if answer.NextPage == "" {
			return found, nil
		}
		query.Set("next_page", answer.NextPage)
	}
	return nil, fmt.Errorf("listing repositories of %q: more than %d pages", organization, maxPages)
}

// CreateRepository makes the private repository "organization/name". If it exists the error is one for IsExists.
func (c *Client) CreateRepository(ctx context.Context, repository string) error {
	if _, err := splitRepository(repository); err != nil {
		return err
	}
	organization, name, _ := strings.Cut(repository, "/")
	err := c.do(ctx, call{method: http.MethodPost, path: []string{"repository"}, in: map[string]string{"namespace": organization,
		"repository": name, "visibility": "private", "description": "", "repo_kind": "image"}})
	if err != nil {
		return fmt.Errorf("creating repository %q: %w", repository, err)
	}
	return nil
}
