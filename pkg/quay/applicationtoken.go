package quay

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

// ApplicationToken is an OAuth token of an organization's application. Quay tells of them since 3.18.
type ApplicationToken struct {
	UUID string
	// Name is empty for one that was made on Quay's pages.
	Name string
	// Scope has the scopes, with spaces between them.
	Scope string
	// Created and Expires are zero where Quay does not say.
	Created, Expires time.Time
	// Token is the token itself, which Quay tells once, to who makes it.
	Token secret.Value
}

// wireApplicationToken is a token as Quay writes it (quay/quay endpoints/api/organization_application_tokens.py).
type wireApplicationToken struct {
	UUID    string  `json:"uuid"`
	Name    string  `json:"name"`
	Scope   string  `json:"scope"`
	Created isoTime `json:"created"`
	Expires isoTime `json:"expires_at"`
	Token   string  `json:"token"`
}

func (w wireApplicationToken) token() ApplicationToken {
	return ApplicationToken{UUID: w.UUID, Name: w.Name, Scope: w.Scope, Created: w.Created.Time, Expires: w.Expires.Time, Token: secret.New(w.Token)}
}

// isoTime is a time as this part of the API writes it: RFC 3339, or null. What it cannot be read from is not known.
type isoTime struct{ time.Time }

// UnmarshalText reads "2026-11-24T10:00:00.123456Z".
func (t *isoTime) UnmarshalText(text []byte) error {
	t.Time, _ = time.Parse(time.RFC3339Nano, string(text))
	return nil
}

// applicationPath is where the tokens of an application are.
func applicationPath(organization, application string, after ...string) []string {
	return append([]string{"organization", organization, "applications", application, "tokens"}, after...)
}

// ApplicationTokens lists the tokens of an application that have not expired. If there is no such application, or Quay is older than
// 3.18, the error is one for IsNotFound.
func (c *Client) ApplicationTokens(ctx context.Context, organization, application string) ([]ApplicationToken, error) {
	found, query := []ApplicationToken{}, url.Values{}
	for range maxPages {
		var answer struct {
			Tokens   []wireApplicationToken `json:"tokens"`
			NextPage string                 `json:"next_page"`
		}
		if err := c.do(ctx, call{method: http.MethodGet, path: applicationPath(organization, application), query: query, out: &answer}); err != nil {
			return nil, fmt.Errorf("listing the tokens of application %q of %q: %w", application, organization, err)
		}
		for _, t := range answer.Tokens {
			found = append(found, t.token())
		}
		if answer.NextPage == "" {
			return found, nil
		}
		query.Set("next_page", answer.NextPage)
	}
	return nil, fmt.Errorf("listing the tokens of application %q of %q: more than %d pages", application, organization, maxPages)
}

// CreateApplicationToken makes a token with the scopes, at most those of the client's own token. It is not sent again when the answer
// got lost: Quay would make another one.
func (c *Client) CreateApplicationToken(ctx context.Context, organization, application, name, scope string, lifetime time.Duration) (ApplicationToken, error) {
	var answer wireApplicationToken
	err := c.do(ctx, call{method: http.MethodPost, path: applicationPath(organization, application), out: &answer,
		in: map[string]any{"name": name, "scope": scope, "expiration": int(lifetime.Seconds())}})
	if err == nil && (answer.UUID == "" || answer.Token == "") {
		err = &unsureError{fmt.Errorf("quay answered without the token or its uuid")}
	}
	if err != nil {
		return ApplicationToken{}, fmt.Errorf("making a token of application %q of %q: %w", application, organization, err)
	}
	return answer.token(), nil
}

// DeleteApplicationToken ends a token at once. If it is gone already the error is one for IsNotFound.
func (c *Client) DeleteApplicationToken(ctx context.Context, organization, application, uuid string) error {
	err := c.do(ctx, call{method: http.MethodDelete, path: applicationPath(organization, application, uuid)})
	if err != nil {
		return fmt.Errorf("deleting token %q of application %q of %q: %w", uuid, application, organization, err)
	}
	return nil
}
