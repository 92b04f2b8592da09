package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// The actions of a token's scope.
const (
	ScopePull = "pull"
	ScopePush = "pull,push"
)

// ping asks the registry where its tokens are. Quay answers every request without a token alike, so this is no request
// more than another first one would be.
func (r *Registry) ping(ctx context.Context) error {
	u := r.Base
	u.Path = "/v2/"
	a, err := r.roundTrip(ctx, call{method: http.MethodGet, url: u}, secret.Value{})
	switch {
	case err != nil:
		return err
	case a.status == http.StatusOK:
		return nil
	case a.status != http.StatusUnauthorized:
		return a.err()
	}
	c, ok := parseChallenge(a.Header)
	if !ok {
		return &failure.Error{Class: failure.ClassProtocol, Problem: fmt.Sprintf("%s did not advertise a token service", r.Name()),
			Proof: fmt.Sprintf("%v, challenge %q", a.err(), failure.Shorten(strings.Join(a.Header.Values("WWW-Authenticate"), ", "))),
			Next:  r.NotInFront() + ": push-image logs in with a Bearer challenge, as Quay sends it"}
	}
	realm, err := a.url.Parse(c.realm)
	if err != nil {
		return &failure.Error{Class: failure.ClassProtocol, Problem: r.Name() + " advertised a malformed token service", Proof: fmt.Sprintf("realm %q", failure.Shorten(c.realm)), Next: r.NotInFront()}
	}
	// Who has no credential may ask for a token wherever it is.
	if !r.trusts(realm, r.tokenHost) && (r.Credential != nil || !r.trusts(realm, realm.Host)) {
		return r.Foreign(r.Name()+" sends its clients for a token", realm, r.tokenHost,
			fmt.Sprintf("if %q is its token service, name that in %s; else the answer was forged", shown.Cut(realm.Host, 100), r.Role.TokenFlag))
	}
	r.Realm, r.service = realm.String(), c.service
	return nil
}

// trusts reports whether u is on host, by the registry's scheme: only then a credential goes there.
func (r *Registry) trusts(u *url.URL, host string) bool {
	return u.Scheme == r.Base.Scheme && u.User == nil && failure.SameHost(u.Scheme, u.Host, host)
}

// exchange buys a token for the repository where c says, and for pulling from the repository other unless that is empty.
func (r *Registry) exchange(ctx context.Context, c challenge, scope, other string) (token, error) {
	if c.realm == "" {
		return token{}, nil
	}
	u, err := url.Parse(c.realm)
	if err != nil {
		return token{}, err
	}
	query := u.Query()
	if c.service != "" {
		query.Set("service", c.service)
	}
	query.Set("scope", "repository:"+r.repository+":"+scope)
	if other != "" {
		query.Add("scope", "repository:"+other+":"+ScopePull)
	}
	u.RawQuery = query.Encode()
	authorization, err := r.authorization(ctx)
	if err != nil {
		return token{}, err
	}
	asked := r.now()
	a, err := r.roundTrip(ctx, call{method: http.MethodGet, url: *u}, authorization)
	if err != nil {
		return token{}, err
	}
	if a.status != http.StatusOK {
		refused := a.err()
		if a.words() == "" {
			refused.Page = "" // It is no page, and may have a token.
		}
		return token{}, &failure.TokenRefused{Answer: refused}
	}
	t, err := parseToken(a.told(), asked)
	if err != nil {
		return token{}, &failure.Error{Class: failure.ClassProtocol, Problem: fmt.Sprintf("the token service of %s sent no token", r.Name()),
			Proof: fmt.Sprintf("GET %s: 200 with type %q%s: %v", a.url.Path, failure.Shorten(a.secrets.hide(a.Header.Get("Content-Type"))), a.words(), err),
			Next:  fmt.Sprintf("ask who runs %s what its token service answers there; %s", u.Host, r.NotInFront())}
	}
	return t, nil
}

// authorization is the header with the credential that is good now; zero where there is none.
func (r *Registry) authorization(ctx context.Context) (secret.Value, error) {
	if r.Credential == nil {
		return secret.Value{}, nil
	}
	c, err := r.Credential.Get(ctx)
	return c.Authorization(), err
}

// challenge is the registry's, as ping saw it.
func (r *Registry) challenge() challenge { return challenge{realm: r.Realm, service: r.service} }

// Login asks the registry where its tokens are, buys one with the given scope and reports which actions the robot has on the
// repository; known is false if the token does not tell.
func (r *Registry) Login(ctx context.Context, scope string) (actions []string, known bool, err error) {
	guess, asking := r.guess(ctx, scope)
	if err := r.ping(asking); err != nil {
		guess.result(challenge{})
		return nil, false, err
	}
	early, err := guess.result(r.challenge())
	switch {
	case errors.Is(err, errNoGuess):
		return r.Rights(ctx, scope)
	case err != nil:
		return nil, false, err
	}
	r.buy(scope, early)
	return early.actions(r.repository), early.known, nil
}

// Rights buys a token with the given scope and reports which actions the robot has on the repository; known is false if the
// token does not tell.
func (r *Registry) Rights(ctx context.Context, scope string) (actions []string, known bool, err error) {
	r.buy(scope, token{})
	t, err := r.tokens.get(ctx, secret.Value{})
	if err != nil {
		return nil, false, err
	}
	return t.actions(r.repository), t.known, nil
}

// buy makes tokens with the given scope those of the registry; first may be one that was bought already.
func (r *Registry) buy(scope string, first token) {
	r.tokens = &tokens{now: r.now, current: first,
		exchange: func(ctx context.Context) (token, error) { return r.exchange(ctx, r.challenge(), scope, r.mountFrom) }}
}

// CheckMount gives up mounting from another repository if the robot may not read there: Quay would not say so, but start an
// upload each time. It returns the repository that was given up, or nothing.
func (r *Registry) CheckMount(ctx context.Context) (given string, err error) {
	if r.mountFrom == "" {
		return "", nil
	}
	t, err := r.tokens.get(ctx, secret.Value{})
	if err != nil {
		return "", err
	}
	if actions := t.actions(r.mountFrom); !slices.Contains(actions, "pull") && !slices.Contains(actions, "*") {
		given, r.mountFrom = r.mountFrom, ""
	}
	return given, nil
}
