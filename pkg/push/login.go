package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// The actions of a token's scope.
const (
	scopePull = "pull"
	scopePush = "pull,push"
)

// ping asks the registry where its tokens are. Quay answers every request without a token alike, so this is no request
// more than another first one would be.
func (r *registry) ping(ctx context.Context) error {
	u := r.base
	u.Path = "/v2/"
	a, err := r.send(ctx, call{method: http.MethodGet, url: u}, secret.Value{})
	switch {
	case err != nil:
		return err
	case a.status == http.StatusOK:
		return nil
	case a.status != http.StatusUnauthorized:
		return a.err()
	}
	c, ok := parseChallenge(a.header)
	if !ok {
		return &Error{Class: ClassProtocol, Problem: fmt.Sprintf("%s did not advertise a token service", r.name()),
			Proof: fmt.Sprintf("%v, challenge %q", a.err(), shorten(strings.Join(a.header.Values("WWW-Authenticate"), ", "))),
			Next:  r.notInFront() + ": push-image logs in with a Bearer challenge, as Quay sends it"}
	}
	realm, err := a.url.Parse(c.realm)
	if err != nil {
		return &Error{Class: ClassProtocol, Problem: r.name() + " advertised a malformed token service", Proof: fmt.Sprintf("realm %q", shorten(c.realm)), Next: r.notInFront()}
	}
	// Who has no credential may ask for a token wherever it is.
	if !r.trusts(realm, r.tokenHost) && (!r.credential.Authorization().IsZero() || !r.trusts(realm, realm.Host)) {
		return r.foreign(r.name()+" sends its clients for a token", realm, r.tokenHost,
			fmt.Sprintf("if %q is its token service, name that in %s; else the answer was forged", shown.Cut(realm.Host, 100), r.role.tokenFlag))
	}
	c.realm = realm.String()
	r.challenge = c
	return nil
}

// trusts reports whether u is on host, by the registry's scheme: only then a credential goes there.
func (r *registry) trusts(u *url.URL, host string) bool {
	return u.Scheme == r.base.Scheme && u.User == nil && sameHost(u.Scheme, u.Host, host)
}

// sameHost compares two hosts; a scheme's own port may be left out.
func sameHost(scheme, a, b string) bool {
	port := map[string]string{"https": ":443", "http": ":80"}[scheme]
	return strings.EqualFold(strings.TrimSuffix(a, port), strings.TrimSuffix(b, port))
}

// exchange buys a token for the repository where c says.
func (r *registry) exchange(ctx context.Context, c challenge, scope string) (token, error) {
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
	if r.mountFrom != "" {
		query.Add("scope", "repository:"+r.mountFrom+":"+scopePull)
	}
	u.RawQuery = query.Encode()
	asked := r.now()
	a, err := r.send(ctx, call{method: http.MethodGet, url: *u}, r.credential.Authorization())
	if err != nil {
		return token{}, err
	}
	if a.status != http.StatusOK {
		refused := a.err()
		if a.words() == "" {
			refused.page = "" // It is no page, and may have a token.
		}
		return token{}, &tokenRefused{refused}
	}
	t, err := parseToken(a.body, asked)
	if err != nil {
		return token{}, &Error{Class: ClassProtocol, Problem: fmt.Sprintf("the token service of %s sent no token", r.name()),
			Proof: fmt.Sprintf("GET %s: 200 with type %q%s: %v", a.url.Path, shorten(a.header.Get("Content-Type")), a.words(), err),
			Next:  fmt.Sprintf("ask who runs %s what its token service answers there; %s", u.Host, r.notInFront())}
	}
	return t, nil
}

// tokenRefused is an error of the token service: a 401 there is about the credential, one elsewhere about the token.
type tokenRefused struct{ *answerError }

func (e *tokenRefused) Unwrap() error { return e.answerError }

// login asks the registry where its tokens are, buys one with the given scope and reports which actions the robot has on the
// repository; known is false if the token does not tell.
func (r *registry) login(ctx context.Context, scope string) (actions []string, known bool, err error) {
	guess, asking := r.guess(ctx, scope)
	if err := r.ping(asking); err != nil {
		guess.result(challenge{})
		return nil, false, err
	}
	early, err := guess.result(r.challenge)
	switch {
	case errors.Is(err, errNoGuess):
		return r.rights(ctx, scope)
	case err != nil:
		return nil, false, err
	}
	r.buy(scope, early)
	return early.actions(r.repository), early.known, nil
}

// rights buys a token with the given scope and reports which actions the robot has on the repository; known is false if the
// token does not tell.
func (r *registry) rights(ctx context.Context, scope string) (actions []string, known bool, err error) {
	r.buy(scope, token{})
	t, err := r.tokens.get(ctx, secret.Value{})
	if err != nil {
		return nil, false, err
	}
	return t.actions(r.repository), t.known, nil
}

// buy makes tokens with the given scope those of the registry; first may be one that was bought already.
func (r *registry) buy(scope string, first token) {
	r.tokens = &tokens{now: r.now, current: first,
		exchange: func(ctx context.Context) (token, error) { return r.exchange(ctx, r.challenge, scope) }}
}

// checkRight fails when the robot's actions do not include push. Quay never says so when a token is bought: it leaves the
// action out (quay/quay endpoints/v2/v2auth.py).
func (r *registry) checkRight(actions []string, key string) error {
	if slices.Contains(actions, "push") || slices.Contains(actions, "*") {
		return nil
	}
	name := r.base.Host + "/" + r.repository
	e := &Error{Class: ClassPushDenied, Problem: fmt.Sprintf("robot %q is not allowed to push to %s", r.credential.Username, name),
		Proof: fmt.Sprintf("its token, bought with the auths entry %q, has %q and needs push", key, actions),
		Next:  fmt.Sprintf("give the robot Write on %s in Quay; if it has that, look whether the repository is read-only or a mirror", r.repository)}
	if len(actions) == 0 {
		e.Class = ClassNoAccess
		e.Problem = fmt.Sprintf("%s does not exist, or robot %q has no right on it", name, r.credential.Username)
		e.Next = fmt.Sprintf("create the repository and give the robot Write on it, or give the robot the right to create repositories in %q", firstElement(r.repository))
	}
	return e
}

// firstElement is the organization of a repository.
func firstElement(repository string) string {
	organization, _, _ := strings.Cut(repository, "/")
	return organization
}
