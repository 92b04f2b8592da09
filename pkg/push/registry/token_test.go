package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// jwt is a token with the given payload; nobody looks at the rest.
func jwt(payload string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
}

func TestParseToken(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	hour := jwt(`{"iat":100,"exp":3700,"access":[{"type":"repository","name":"a/b","actions":["push","pull"]}]}`)
	tests := []struct {
		name, body string
		ok, known  bool
		actions    []string
		renew      time.Duration
	}{
		{"Quay's", `{"token":"` + hour + `"}`, true, true, []string{"push", "pull"}, 50 * time.Minute},
		{"under the other name", `{"access_token":"` + hour + `"}`, true, true, []string{"push", "pull"}, 50 * time.Minute},
		{"nothing granted", `{"token":"` + jwt(`{"access":[]}`) + `"}`, true, true, []string{}, 50 * time.Second},
		{"another repository", `{"token":"` + jwt(`{"access":[{"type":"repository","name":"a/c","actions":["push"]}]}`) + `"}`, true, true, []string{}, 50 * time.Second},
		{"another type", `{"token":"` + jwt(`{"access":[{"type":"registry","name":"a/b","actions":["push"]}]}`) + `"}`, true, true, []string{}, 50 * time.Second},
		{"opaque", `{"token":"opaque","expires_in":600}`, true, false, []string{}, 500 * time.Second},
		{"opaque with dots", `{"token":"a.b.c"}`, true, false, []string{}, 50 * time.Second},
		{"a JWT without access", `{"token":"` + jwt(`{}`) + `"}`, true, false, []string{}, 50 * time.Second},
		{"a lifetime in a string", `{"token":"opaque","expires_in":"600"}`, true, false, []string{}, 50 * time.Second},
		{"a lifetime with a fraction", `{"token":"opaque","expires_in":600.6}`, true, false, []string{}, 500500 * time.Millisecond},
		{"a lifetime with an exponent", `{"token":"opaque","expires_in":6e2}`, true, false, []string{}, 500 * time.Second},
		{"a lifetime in an object", `{"token":"opaque","expires_in":{"seconds":600}}`, true, false, []string{}, 50 * time.Second},
		{"a lifetime in an array", `{"token":"opaque","expires_in":[600]}`, true, false, []string{}, 50 * time.Second},
		{"no lifetime", `{"token":"opaque","expires_in":null}`, true, false, []string{}, 50 * time.Second},
		{"a lifetime that is over", `{"token":"opaque","expires_in":-5}`, true, false, []string{}, 50 * time.Second},
		{"a lifetime of nothing", `{"token":"opaque","expires_in":0.001}`, true, false, []string{}, 50 * time.Second},
		{"a lifetime past a duration", `{"token":"opaque","expires_in":9223372036854775807}`, true, false, []string{}, 50 * time.Second},
		{"a lifetime past 64 bits", `{"token":"opaque","expires_in":99999999999999999999}`, true, false, []string{}, 50 * time.Second},
		{"a lifetime past a number", `{"token":"opaque","expires_in":1e999}`, true, false, []string{}, 50 * time.Second},
		{"a JWT with fractions", `{"token":"` + jwt(`{"iat":100.5,"exp":3700.5,"access":[]}`) + `"}`, true, true, []string{}, 50 * time.Minute},
		{"a JWT with strings", `{"token":"` + jwt(`{"iat":"100","exp":"3700","access":[]}`) + `"}`, true, true, []string{}, 50 * time.Second},
		{"a JWT for ever", `{"token":"` + jwt(`{"iat":1,"exp":9223372036854775807,"access":[]}`) + `","expires_in":600}`, true, true, []string{}, 500 * time.Second},
		{"a number and a token", `{"token":5,"access_token":"opaque"}`, true, false, []string{}, 50 * time.Second},
		{"a token and an object", `{"token":"opaque","access_token":{}}`, true, false, []string{}, 50 * time.Second},
		{"none and a token", `{"token":null,"access_token":"opaque"}`, true, false, []string{}, 50 * time.Second},
		{"a number", `{"token":5}`, false, false, nil, 0},
		{"one with a newline", `{"token":"a\nb"}`, false, false, nil, 0},
		{"none", `{}`, false, false, nil, 0},
		{"no JSON", `<html>`, false, false, nil, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseToken([]byte(test.body), now)
			ok := err == nil
			if ok != test.ok || got.known != test.known {
				t.Fatalf("parseToken = %v, known %v, want %v, %v", ok, got.known, test.ok, test.known)
			}
			if !ok {
				return
			}
			if actions := got.actions("a/b"); !slices.Equal(actions, test.actions) {
				t.Errorf("actions = %q, want %q", actions, test.actions)
			}
			if renew := got.renewAt.Sub(now); renew != test.renew {
				t.Errorf("it is renewed after %v, want %v", renew, test.renew)
			}
		})
	}
}

// A token service that refuses with a success is quoted, but for what may be a secret.
func TestRefusalWithSuccess(t *testing.T) {
	const none = "neither token nor access_token in it is a token"
	secret := jwt(`{"x":"S3CRET-S3CRET"}`)
	for body, want := range map[string]string{
		`{"hello":1}`: none,
		`{"message":"the robot\u001b[0m is disabled\n"}`:      none + `, and it says "the robot [0m is disabled"`,
		`{"error":"invalid_scope"}`:                           none + `, and it says "invalid_scope"`,
		`{"errors":[{"code":"DENIED","message":"no"}]}`:       none + `, and it says "DENIED no"`,
		`{"token":"","message":"no"}`:                         none + `, and it says "no"`,
		`{"token":["` + secret + `"],"message":"no"}`:         none + `, and it says "no"`,
		`{"message":"cannot use Bearer ` + secret + ` here"}`: none + `, and it says "cannot use Bearer … here"`,
		`{"message":"` + strings.Repeat("word ", 1000) + `"}`: none + `, and it says "` + strings.Repeat("word ", failure.MaxPage/5) + `…"`,
		`{"token":["` + secret + `"]}`:                        none,
		`["` + secret + `"]`:                                  "not a token: it is an array, want an object",
	} {
		if _, err := parseToken([]byte(body), time.Now()); err == nil || err.Error() != want {
			t.Errorf("parseToken of %.100s = %v, want %q", body, err, want)
		}
	}
}

// However many workers are refused with one token, one new one is bought.
func TestTokensAreBoughtOnce(t *testing.T) {
	var bought int
	tokens := &tokens{now: time.Now, exchange: func(context.Context) (token, error) {
		bought++
		return token{header: secret.New(string(rune('a' + bought))).Bearer(), renewAt: time.Now().Add(time.Hour)}, nil
	}}
	first, err := tokens.get(t.Context(), secret.Value{})
	if err != nil {
		t.Fatal(err)
	}
	var workers sync.WaitGroup
	for range 20 {
		workers.Go(func() {
			if second, err := tokens.get(t.Context(), first.header); err != nil || second.header.Equal(first.header) {
				t.Errorf("get = %q, %v", second.header.Reveal(), err)
			}
		})
	}
	workers.Wait()
	if bought != 2 {
		t.Errorf("%d tokens were bought, want 2", bought)
	}
	tokens.replaced = time.Time{} // It has settled.
	tokens.exchange = func(context.Context) (token, error) { return token{}, errors.New("down") }
	if _, err := tokens.get(t.Context(), tokens.current.header); err == nil {
		t.Error("get hides that no token can be bought")
	}
}

// A token that replaces a refused one and is refused, too, is kept for a while: the next one would be as fresh.
func TestTokensSettle(t *testing.T) {
	now := time.Now()
	bought := 0
	tokens := &tokens{now: func() time.Time { return now }, exchange: func(context.Context) (token, error) {
		bought++
		return token{header: secret.New(string(rune('a' + bought))).Bearer(), renewAt: now.Add(time.Hour)}, nil
	}}
	get := func(refused string) string {
		t.Helper()
		got, err := tokens.get(t.Context(), secret.New(refused))
		if err != nil {
			t.Fatal(err)
		}
		return got.header.Reveal()
	}
	first := get("")
	second := get(first)
	if second == first {
		t.Fatal("a refused token is not replaced")
	}
	for range 3 {
		now = now.Add(settling/4 - 1)
		if got := get(second); got != second {
			t.Errorf("after %v the token is %q, want %q", now, got, second)
		}
	}
	now = now.Add(settling)
	if third := get(second); third == second || bought != 3 {
		t.Errorf("the token is %q after %d were bought, want a third one", third, bought)
	}
}
