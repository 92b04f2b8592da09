package push

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestRetryAfterHeader(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-1": 0, "0": 0, "7": 7 * time.Second, "999999": time.Hour, " 7 ": 7 * time.Second,
		"1.5": 1500 * time.Millisecond, "0.25": 250 * time.Millisecond, "-0.5": 0, "NaN": 0, "+Inf": 0, "1e400": 0, "1e300": 0,
		strconv.FormatInt(now.Unix()+90, 10):            90 * time.Second,
		strconv.FormatInt(now.Unix()+90, 10) + ".5":     90*time.Second + 500*time.Millisecond,
		strconv.FormatInt(now.UnixMilli()+1500, 10):     1500 * time.Millisecond,
		strconv.FormatInt(now.Unix()-90, 10):            0,
		strconv.FormatInt(now.Unix()+90_000, 10):        time.Hour,
		now.Add(-time.Minute).Format(http.TimeFormat):   0,
		now.Add(time.Minute).Format(time.RFC850):        time.Minute,
		now.Add(time.Minute).Format(time.ANSIC):         time.Minute,
		now.Add(time.Minute).Format(time.RFC3339):       time.Minute,
		now.Add(time.Minute).Format(time.RFC1123Z):      time.Minute,
		now.Add(time.Minute).Format(http.TimeFormat):    time.Minute,
		now.Add(24 * time.Hour).Format(http.TimeFormat): time.Hour,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("Retry-After %q = %v, want %v", value, got, want)
		}
	}
}

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
		`<html>`:                            `PUT /v2/x: 403 Forbidden without a word (server "BigIP")`,
		``:                                  `PUT /v2/x: 403 Forbidden without a word (server "BigIP")`,
		`{"error":"\u001b[31mred"}`:         `PUT /v2/x: 403 Forbidden "\x1b[31mred"`,
		`{"errors":[]}`:                     `PUT /v2/x: 403 Forbidden without a word (server "BigIP")`,
		"{\"error\":\"\x1b[31mred\"}":       `PUT /v2/x: 403 Forbidden "{\"error\":\" [31mred\"}" (server "BigIP", type "text/html")`,
		`{"detail":"blocked by policy"}`:    `PUT /v2/x: 403 Forbidden "{\"detail\":\"blocked by policy\"}" (server "BigIP", type "text/html")`,
		`<h1>Request</h1> <b>Rejected</b>.`: `PUT /v2/x: 403 Forbidden "Request Rejected ." (server "BigIP", type "text/html")`,
	} {
		a := &answer{method: "PUT", url: url.URL{Path: "/v2/x"}, status: 403, header: header, body: []byte(body)}
		if got := a.err().Error(); got != want {
			t.Errorf("error of %s = %s, want %s", body, got, want)
		}
		if strings.Contains(want, `type "text/html"`) != a.err().foreign() {
			t.Errorf("foreign of %s = %v", body, a.err().foreign())
		}
	}
}
