package push

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
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

// However many workers are refused with one token, one new one is bought.
func TestTokensAreBoughtOnce(t *testing.T) {
	var bought int
	tokens := &tokens{now: time.Now, exchange: func(context.Context) (token, error) {
		bought++
		return token{header: "Bearer " + string(rune('a'+bought)), renewAt: time.Now().Add(time.Hour)}, nil
	}}
	first, err := tokens.get(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var workers sync.WaitGroup
	for range 20 {
		workers.Go(func() {
			if second, err := tokens.get(t.Context(), first.header); err != nil || second.header == first.header {
				t.Errorf("get = %q, %v", second.header, err)
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
		return token{header: "Bearer " + string(rune('a'+bought)), renewAt: now.Add(time.Hour)}, nil
	}}
	get := func(refused string) string {
		t.Helper()
		got, err := tokens.get(t.Context(), refused)
		if err != nil {
			t.Fatal(err)
		}
		return got.header
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
