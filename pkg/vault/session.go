package vault

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

// LoginKubernetes logs in with the token of a ServiceAccount, and uses the Vault token that it gets from then on. Before that
// one ends it logs in again, however long the work takes: serviceAccountToken is asked anew each time, since Kubernetes replaces
// the file with it every hour. mount is that of the auth method, usually kubernetes.
func (c *Client) LoginKubernetes(ctx context.Context, mount, role string, serviceAccountToken func() (secret.Value, error)) error {
	if err := CheckPath(mount); err != nil {
		return err
	}
	login := func(ctx context.Context) (*api.SecretAuth, error) {
		jwt, err := serviceAccountToken()
		if err != nil {
			return nil, err
		}
		answer, err := c.api.Logical().WriteWithContext(context.WithValue(ctx, loggingIn{}, true), "auth/"+mount+"/login",
			map[string]any{"role": role, "jwt": jwt.Reveal()})
		if err != nil {
			return nil, fmt.Errorf("logging in to Vault as %q: %w", role, wrap(err))
		}
		if answer == nil || answer.Auth == nil || answer.Auth.ClientToken == "" {
			return nil, fmt.Errorf("logging in to Vault as %q: the answer has no token", role)
		}
		return answer.Auth, nil
	}
	return c.session.begin(ctx, login, c.api.SetToken)
}

// loggingIn is the key of a context whose request is a login, which no other login goes before.
type loggingIn struct{}

// session is a Vault token that is replaced before it ends. The zero value has none, and leaves every request as it is.
type session struct {
	next http.RoundTripper

	mu    sync.Mutex
	login func(context.Context) (*api.SecretAuth, error)
	use   func(token string)
	token string
	// renew is from when on the next request logs in first, ends when the token does; zero: never.
	renew, ends time.Time
}

// begin logs in, and hands the token to use, as each later one.
func (s *session) begin(ctx context.Context, login func(context.Context) (*api.SecretAuth, error), use func(token string)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.login, s.use = login, use
	return s.again(ctx)
}

// again logs in; the caller holds mu.
func (s *session) again(ctx context.Context) error {
	began := time.Now()
	auth, err := s.login(ctx)
	if err != nil {
		return err
	}
	s.token, s.renew, s.ends = auth.ClientToken, time.Time{}, time.Time{}
	if life := time.Duration(auth.LeaseDuration) * time.Second; life > 0 {
		s.renew, s.ends = began.Add(life*2/3), began.Add(life)
	}
	s.use(s.token)
	return nil
}

// current is the token for a request; empty before the first login. A login that fails is no error while the old token is good.
func (s *session) current(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); !s.renew.IsZero() && !now.Before(s.renew) {
		if err := s.again(ctx); err != nil && !now.Before(s.ends) {
			return "", err
		}
	}
	return s.token, nil
}

// RoundTrip implements http.RoundTripper.
func (s *session) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Context().Value(loggingIn{}) == nil {
		token, err := s.current(r.Context())
		if err != nil {
			return nil, err
		}
		if token != "" {
			r = r.Clone(r.Context())
			r.Header.Set(api.AuthHeaderName, token)
		}
	}
	return s.next.RoundTrip(r)
}

// CloseIdleConnections is what http.Client calls.
func (s *session) CloseIdleConnections() { (&http.Client{Transport: s.next}).CloseIdleConnections() }
