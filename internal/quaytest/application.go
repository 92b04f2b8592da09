package quaytest

import (
	"crypto/rand"
	"time"
)

// application is an OAuth application of an organization.
type application struct{ organization, client string }

// issued is what Quay knows of a token that was made for an application (quay/quay:endpoints/api/organization_application_tokens.py).
type issued struct {
	// name is empty for a token that was made on Quay's pages.
	name             string
	created, expires time.Time
}

// expired reports whether the token is good no longer; one without a time always is.
func (i issued) expired(now time.Time) bool { return !i.expires.IsZero() && !now.Before(i.expires) }

// defaultLifetime is that of a token whose maker names none (quay/quay:data/model/oauth.py).
const defaultLifetime = 87660 * time.Hour

// AddApplication makes an OAuth application of org, and a token for it as Quay's pages do: with no name. It returns the token.
func (q *Quay) AddApplication(org, client string, scopes []Scope, organizations ...string) string {
	token := q.AddOAuthToken(scopes, organizations...)
	q.mu.Lock()
	defer q.mu.Unlock()
	made := q.oauthTokens[token]
	now := q.now()
	made.application, made.issued = &application{org, client}, issued{created: now, expires: now.Add(defaultLifetime)}
	return token
}

// OAuthTokens returns how many tokens of an application are good, and whether token is one.
func (q *Quay) OAuthTokens(org, client, token string) (good int, known bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for value, t := range q.oauthTokens {
		if t.application != nil && *t.application == (application{org, client}) && !t.expired(q.now()) {
			good, known = good+1, known || value == token
		}
	}
	return good, known
}

// mint makes a token for the user of another one; the caller holds mu.
func (q *Quay) mint(by *oauthToken, scopes []Scope, name string, lifetime time.Duration) (token string, made *oauthToken) {
	now := q.now()
	token = (rand.Text() + rand.Text())[:40]
	made = &oauthToken{id: len(q.oauthTokens) + 1, uuid: newID(), scopes: scopes, user: by.user,
		issued: issued{name: name, created: now, expires: now.Add(lifetime)}}
	q.oauthTokens[token] = made
	return token, made
}
