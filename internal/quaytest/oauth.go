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

// The scopes of the management API that a tool for tenants needs. RepoAdmin
// has what RepoRead has.
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
// Nil is nobody's.
type oauthToken struct {
	id     int
	uuid   string
	scopes []Scope
	user   *user
	// application is what it was made for through the API, and issued when; without one it was made on Quay's pages for an application
	// that nobody asks about.
	application *application
	issued
}

// AddOAuthToken makes a token with scopes for a user who administers the given
// organizations, or all if there are none, and returns it.
func (q *Quay) AddOAuthToken(scopes []Scope, organizations ...string) string {
	token := (rand.Text() + rand.Text())[:40]
	q.must(q.addOAuthToken(OAuthTokenSetup{Token: token, Scopes: scopes, Organizations: organizations}))
	return token
}

func (q *Quay) addOAuthToken(setup OAuthTokenSetup) error {
	if !oauthPattern.MatchString(setup.Token) {
		return fmt.Errorf("adding OAuth token: it is not 40 characters A-Z and 0-9")
	}
	for _, s := range setup.Scopes {
		if !slices.Contains([]Scope{RepoRead, RepoAdmin, RepoCreate, OrgAdmin, UserAdmin}, s) {
			return fmt.Errorf("adding OAuth token: unknown scope %q", s)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.oauthTokens[setup.Token] = &oauthToken{id: len(q.oauthTokens) + 1, uuid: newID(), scopes: setup.Scopes,
		user: q.addUser(setup.User, setup.Organizations)}
	return nil
}

// RevokeOAuthTokens makes every OAuth token invalid, as deleting the
// application does.
func (q *Quay) RevokeOAuthTokens() {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.oauthTokens)
}

// has reports whether the token has one of the scopes.
func (t *oauthToken) has(scopes ...Scope) bool {
	return t != nil && slices.ContainsFunc(scopes, func(s Scope) bool { return slices.Contains(t.scopes, s) })
}

// authorize finds the token of a request to the management API; nil is nobody,
// which a token that Quay does not know counts as. Robots have no access to it,
// and nobody who would change something meets the protection of cookies first
// (quay/quay:endpoints/csrf.py).
func (q *Quay) authorize(r *http.Request) (*oauthToken, *apiError) {
	value, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	q.mu.Lock()
	defer q.mu.Unlock()
	token := q.oauthTokens[value]
	if token != nil && token.expired(q.now()) {
		token = nil
	}
	if token == nil && r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, errCSRF
	}
	return token, nil
}
