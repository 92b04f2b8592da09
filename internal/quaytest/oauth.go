package quaytest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Scope is what an OAuth token may do (quay/quay:auth/scopes.py).
type Scope string

// The scopes of the management API that a tool for tenants needs.
const (
	RepoRead   Scope = "repo:read"
	RepoAdmin  Scope = "repo:admin"
	RepoCreate Scope = "repo:create"
	OrgAdmin   Scope = "org:admin"
	UserAdmin  Scope = "user:admin"
)

// oauthPattern is the form of every OAuth token (quay/quay:data/model/oauth.py).
var oauthPattern = regexp.MustCompile(`^[A-Z0-9]{40}$`)

// oauthToken is a token of the management API and the user whom it acts for.
type oauthToken struct {
	scopes []Scope
	// organizations are those that the user administers; empty means all.
	organizations []string
}

// AddOAuthToken makes a token with scopes for a user who administers the given
// organizations, or all if there are none, and returns it.
func (q *Quay) AddOAuthToken(scopes []Scope, organizations ...string) string {
	token := (rand.Text() + rand.Text())[:40]
	q.must(q.addOAuthToken(token, scopes, organizations))
	return token
}

func (q *Quay) addOAuthToken(token string, scopes []Scope, organizations []string) error {
	if !oauthPattern.MatchString(token) {
		return fmt.Errorf("adding OAuth token: it is not 40 characters A-Z and 0-9")
	}
	for _, s := range scopes {
		if !slices.Contains([]Scope{RepoRead, RepoAdmin, RepoCreate, OrgAdmin, UserAdmin}, s) {
			return fmt.Errorf("adding OAuth token: unknown scope %q", s)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.oauthTokens[token] = &oauthToken{scopes: scopes, organizations: organizations}
	return nil
}

// RevokeOAuthTokens makes every OAuth token invalid, as deleting the
// application does.
func (q *Quay) RevokeOAuthTokens() {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.oauthTokens)
}

// administers says whether the token's user is an administrator of org, which exists; the caller holds mu.
func (t *oauthToken) administers(q *Quay, org string) bool {
	return q.organizations[org] != nil && (len(t.organizations) == 0 || slices.Contains(t.organizations, org))
}

// has says whether the token has one of the scopes.
func (t *oauthToken) has(scopes ...Scope) bool {
	return slices.ContainsFunc(scopes, func(s Scope) bool { return slices.Contains(t.scopes, s) })
}

// authorize finds the token of a request to the management API. Robots have no
// access to it, and a request that would change something and has no good
// token meets the protection of cookies first (quay/quay:endpoints/csrf.py).
func (q *Quay) authorize(r *http.Request) (*oauthToken, *apiError) {
	value, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	q.mu.Lock()
	token := q.oauthTokens[value]
	q.mu.Unlock()
	switch {
	case token != nil:
		return token, nil
	case r.Method == http.MethodGet:
		return nil, apiErr(http.StatusUnauthorized, "invalid_token", "Requires authentication")
	}
	return nil, &apiError{status: http.StatusForbidden, body: map[string]any{"error": "CSRF token was invalid or missing."}}
}
