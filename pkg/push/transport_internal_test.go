package push

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Pauses grow, differ, and have a limit.
func TestBackoff(t *testing.T) {
	r := &retrier{pause: time.Second}
	for n := range 20 {
		most := min(time.Second<<n, maxPause)
		if got := r.backoff(n, errors.New("x")); got < most/2 || got > most {
			t.Errorf("pause %d is %v, want %v to %v", n, got, most/2, most)
		}
	}
	busy := &answerError{status: http.StatusTooManyRequests}
	if got := r.backoff(0, busy); got < busyFactor*time.Second/2 {
		t.Errorf("the pause after a 429 is %v", got)
	}
	if time.Until(r.until) <= 0 {
		t.Error("a 429 does not make the others wait")
	}
}

func TestSameHost(t *testing.T) {
	for _, test := range []struct {
		scheme, a, b string
		want         bool
	}{
		{"https", "q.io", "Q.IO", true}, {"https", "q.io:443", "q.io", true}, {"http", "q.io", "q.io:80", true},
		{"https", "q.io:80", "q.io", false}, {"https", "q.io", "q.io.evil", false}, {"https", "q.io:8443", "q.io", false},
	} {
		if got := sameHost(test.scheme, test.a, test.b); got != test.want {
			t.Errorf("sameHost(%q, %q, %q) = %v", test.scheme, test.a, test.b, got)
		}
	}
}

func TestAnswerError(t *testing.T) {
	header := http.Header{"Server": {"BigIP"}, "Content-Type": {"text/html"}}
	for body, want := range map[string]string{
		`{"errors":[{"code":"DENIED","message":"no","detail":{"message":"why"}}]}`: `PUT /v2/x: 403 Forbidden "DENIED" "no: why"`,
		`{"error":"Invalid bearer token"}`:                                         `PUT /v2/x: 403 Forbidden "Invalid bearer token"`,
		`{"message":"Could not find robot with specified username"}`:               `PUT /v2/x: 403 Forbidden "Could not find robot with specified username"`,
		`<html>`:                            `PUT /v2/x: 403 Forbidden`,
		``:                                  `PUT /v2/x: 403 Forbidden`,
		`{"error":"\u001b[31mred"}`:         `PUT /v2/x: 403 Forbidden "\x1b[31mred"`,
		`{"errors":[]}`:                     `PUT /v2/x: 403 Forbidden`,
		"{\"error\":\"\x1b[31mred\"}":       `PUT /v2/x: 403 Forbidden "{\"error\":\" [31mred\"}" (server "BigIP", type "text/html")`,
		`{"detail":"blocked by policy"}`:    `PUT /v2/x: 403 Forbidden "{\"detail\":\"blocked by policy\"}" (server "BigIP", type "text/html")`,
		`<h1>Request</h1> <b>Rejected</b>.`: `PUT /v2/x: 403 Forbidden "Request Rejected ." (server "BigIP", type "text/html")`,
	} {
		a := &answer{method: "PUT", url: url.URL{Path: "/v2/x"}, status: 403, header: header, body: []byte(body)}
		if got := a.err().Error(); got != want {
			t.Errorf("error of %s = %s, want %s", body, got, want)
		}
		if strings.Contains(want, "BigIP") != a.err().foreign() {
			t.Errorf("foreign of %s = %v", body, a.err().foreign())
		}
	}
}
