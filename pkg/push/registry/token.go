package registry

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/strict"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// token is a bearer token of the registry's token service.
type token struct {
	// header is the value of the Authorization header; zero where the registry wants none.
	header secret.Value
	// renewAt is when a new one is due: early enough for a request that starts now, late enough to ask seldom.
	renewAt time.Time
	// access are the rights that the token carries; known is false for a token that is not a JWT.
	access []access
	known  bool
}

// access is one entry of the token's access claim (distribution spec/auth/jwt.md).
type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// defaultLifetime is how long a token is good for that does not say (distribution spec/auth/token.md).
const defaultLifetime = time.Minute

// parseToken reads the answer of the token service. now is when the token was asked for. The error has nothing of the token.
func parseToken(body []byte, now time.Time) (token, error) {
	var reply struct {
		Token       strict.Lenient[string]  `json:"token"`
		AccessToken strict.Lenient[string]  `json:"access_token"`
		ExpiresIn   strict.Lenient[float64] `json:"expires_in"`
	}
	if err := strict.Decode(body, &reply, "not a token"); err != nil {
		return token{}, errors.New(failure.Of(err).Problem)
	}
	value := cmp.Or(reply.Token.Value, reply.AccessToken.Value)
	switch {
	case value == "":
		return token{}, fmt.Errorf("neither token nor access_token in it is a token%s", refusal(body))
	case strings.ContainsFunc(value, unicode.IsControl):
		return token{}, errors.New("the token has a control character")
	}
	t := token{header: secret.New(value).Bearer()}
	lifetime := cmp.Or(lasting(reply.ExpiresIn.Value), defaultLifetime)
	if c, ok := parseClaims(value); ok {
		t.access, t.known = c.Access, true
		// The difference counts, not the times: the registry's clock may be another.
		if c.IssuedAt.Value > 0 {
			lifetime = cmp.Or(lasting(c.Expires.Value-c.IssuedAt.Value), lifetime)
		}
	}
	t.renewAt = now.Add(lifetime - lifetime/6)
	return t, nil
}

// lasting is that many seconds; 0 for what is no lifetime of a token.
func lasting(seconds float64) time.Duration {
	const most = 365 * 24 * time.Hour
	if seconds < 1 || seconds > most.Seconds() {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// secretLike is what may be a token, or a password, in the words of a server.
var secretLike = regexp.MustCompile(`[\w.~+/=-]{32,}`)

// secretsLike takes out what may be one.
func secretsLike(text string) string { return secretLike.ReplaceAllString(text, "…") }

// refusal is the words of a token service that sends a refusal as a success, quoted; "" if it has none.
func refusal(body []byte) string {
	said := (&Answer{Body: body}).err()
	words := failure.Page([]byte(strings.TrimSpace(said.Code+" "+said.Message)), secretsLike)
	if words == "" {
		return ""
	}
	return fmt.Sprintf(", and it says %q", words)
}

// claims are the parts of a JWT that a push needs.
type claims struct {
	Access   []access                `json:"access"`
	IssuedAt strict.Lenient[float64] `json:"iat"`
	Expires  strict.Lenient[float64] `json:"exp"`
}

// parseClaims reads a JWT without verifying it: that is for who it is addressed to, and a forged one opens nothing.
func parseClaims(value string) (claims, bool) {
	parts := strings.Split(value, ".")
	if len(parts) != 3 {
		return claims{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return claims{}, false
	}
	var c claims
	if strict.Decode(payload, &c, "not a JWT") != nil || c.Access == nil {
		return claims{}, false
	}
	return c, true
}

// actions are what the token allows on repository.
func (t token) actions(repository string) []string {
	actions := []string{}
	for _, a := range t.access {
		if a.Type == "repository" && a.Name == repository {
			actions = append(actions, a.Actions...)
		}
	}
	return actions
}

// settling is how long a token that replaces a refused one is kept though it is refused, too: it may be good in a moment, and
// another one would be no older.
const settling = 10 * time.Second

// tokens keeps the one token of a push and renews it. It is safe for concurrent use.
type tokens struct {
	// exchange buys a new token.
	exchange func(ctx context.Context) (token, error)
	now      func() time.Time

	mu      sync.Mutex
	current token
	// replaced is when current was bought in the place of a refused one; zero if it was not.
	replaced time.Time
}

// get returns a token that is not due for renewal, and not the one with the given header: that one was refused. It returns that
// one nevertheless while it settles. Whoever comes while one is being bought waits for it.
func (t *tokens) get(ctx context.Context, refused secret.Value) (token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.current.header.IsZero() && t.now().Before(t.current.renewAt) && (!t.current.header.Equal(refused) || t.now().Sub(t.replaced) < settling) {
		return t.current, nil
	}
	fresh, err := t.exchange(ctx)
	if err != nil {
		return token{}, err
	}
	t.current, t.replaced = fresh, time.Time{}
	if !refused.IsZero() {
		t.replaced = t.now()
	}
	return fresh, nil
}
