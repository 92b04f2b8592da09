// Package federation exchanges a token of an OpenID Connect issuer, such as a CI system or a cluster, for a token of a Quay robot that
// is good for an hour: Quay's robot federation.
package federation

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/comptech-lab/quay-push/pkg/retryafter"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

const (
	// path is where Quay has the exchange since version 3.13 (quay/quay endpoints/oauth/robot_identity_federation.py).
	path = "/oauth2/federation/robot/token"
	// answerTimeout is how long one try may take: Quay asks the issuer first, twice for a key that it does not know.
	answerTimeout = 30 * time.Second
	// maxAnswer is the most that is read of an answer, in bytes.
	maxAnswer = 64 << 10
	// maxTries is how often an exchange is tried that fails for a passing reason, maxCrashes how often one that Quay cannot verify: that
	// seldom passes. maxPause is the longest pause before the next one.
	maxTries   = 5
	maxCrashes = 3
	maxPause   = 30 * time.Second
)

// Exchange asks the Quay at base, of which scheme and host count, for a token of robot, ORG+NAME, in return for an issuer's token. What
// it returns is the robot's password until the given time. The error is an *Error, which has no token in it, or that of ctx.
func Exchange(ctx context.Context, client *http.Client, base *url.URL, robot string, token secret.Value) (secret.Value, time.Time, error) {
	return Exchanger{Client: client, Base: base}.Exchange(ctx, robot, token)
}

// Exchanger asks one Quay, and tries again what fails for a passing reason.
type Exchanger struct {
	// Client sends the requests. It follows no redirect, whatever it does else: that could carry the token to another host.
	Client *http.Client
	// Base is the address of Quay; its scheme and host count.
	Base *url.URL
	// Pause is the time before the second try, twice that before the third, and so on; 0 means a second.
	Pause time.Duration
	// Tries is how often an exchange is tried that fails for a passing reason; 0 means five times, and less where that seldom helps.
	Tries int
}

// Exchange asks Quay for a token of robot, as the function of that name does.
func (e Exchanger) Exchange(ctx context.Context, robot string, token secret.Value) (secret.Value, time.Time, error) {
	x := newExchange(e.Base, robot, token)
	if err := x.check(); err != nil {
		return secret.Value{}, time.Time{}, err
	}
	client := *e.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	pause := cmp.Or(e.Pause, time.Second)
	var last *Error // The end of ctx says less.
	for try := 1; ; try++ {
		got, expires, wait, err := x.try(ctx, &client)
		switch {
		case err == nil:
			return got, expires, nil
		case ctx.Err() != nil && last != nil:
			return secret.Value{}, time.Time{}, last
		case ctx.Err() != nil:
			return secret.Value{}, time.Time{}, context.Cause(ctx)
		case !err.passing, e.Tries == 1:
			return secret.Value{}, time.Time{}, err
		case try == cmp.Or(e.Tries, maxTries), try == maxCrashes && err.Cause == CauseUnverified:
			err.Proof += fmt.Sprintf(" (tried %d times)", try)
			return secret.Value{}, time.Time{}, err
		}
		last = err
		timer := time.NewTimer(min(max(pause<<(try-1), wait), maxPause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return secret.Value{}, time.Time{}, err
		}
	}
}

// exchange is one exchange.
type exchange struct {
	base   *url.URL
	robot  string
	token  secret.Value
	claims claims
}

func newExchange(base *url.URL, robot string, token secret.Value) *exchange {
	return &exchange{base: &url.URL{Scheme: base.Scheme, Host: base.Host}, robot: robot, token: token}
}

// check finds what is no exchange at all. Quay answers a token that is none with a crash.
func (x *exchange) check() *Error {
	organization, short, ok := strings.Cut(x.robot, "+")
	if !ok || organization == "" || short == "" || strings.ContainsFunc(x.robot, func(r rune) bool { return r == ':' || unicode.IsControl(r) }) {
		return x.failed(CauseRobot, "correct the robot's name", "it is not the name of a robot, ORG+NAME")
	}
	var problem string
	if x.claims, problem = readClaims(x.token); problem != "" {
		return x.failed(CauseToken, "give the token that the issuer made for this run, three parts with dots between them, and nothing else", "%s", problem)
	}
	return nil
}

// try asks once. wait is how long Quay asks to wait before the next time.
func (x *exchange) try(ctx context.Context, client *http.Client) (got secret.Value, expires time.Time, wait time.Duration, failed *Error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	target := *x.base
	target.Path = path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return got, expires, 0, x.unanswered(err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Authorization", x.token.Basic(x.robot).Reveal())
	asked := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return got, expires, 0, x.unanswered(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return got, expires, 0, x.unanswered(err)
	}
	a := answer{status: response.StatusCode, header: response.Header, body: body}
	if got, expires, ok := a.token(asked); ok {
		return got, expires, 0, nil
	}
	return got, expires, retryafter.Read(response.Header, time.Now()), x.explain(a)
}
