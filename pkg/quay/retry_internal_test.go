package quay

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// A pause grows with each try, is at least half of what it may be, longer after a 429, as long as Quay says, and never too long.
func TestBackoff(t *testing.T) {
	c := &Client{pause: time.Second}
	busy := &Error{Status: http.StatusTooManyRequests}
	told := &Error{Status: http.StatusServiceUnavailable, retryAfter: 7 * time.Second}
	for name, test := range map[string]struct {
		n           int
		err         error
		least, most time.Duration
	}{
		"the first":           {1, errors.New("x"), 500 * time.Millisecond, time.Second},
		"the third":           {3, errors.New("x"), 2 * time.Second, 4 * time.Second},
		"after a 429":         {1, busy, 2 * time.Second, 4 * time.Second},
		"never too long":      {5, busy, 10 * time.Second, maxPause},
		"as Quay says":        {1, told, 7 * time.Second, 7 * time.Second},
		"Quay says too much":  {1, &Error{Status: http.StatusServiceUnavailable, retryAfter: time.Hour}, maxPause, maxPause},
		"more than Quay says": {4, told, 7 * time.Second, 8 * time.Second},
	} {
		for range 100 {
			if got := c.backoff(test.n, test.err); got < test.least || got > test.most {
				t.Errorf("%s: %s, want %s to %s", name, got, test.least, test.most)
				break
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-1": 0, "x": 0, "99999": time.Hour, "Tue, 24 Nov 2026 10:00:00 GMT": 0} {
		if got := retryAfter(http.Header{"Retry-After": {text}}); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// A read may be asked again after anything passing; what would be done twice only after an answer that says that nothing was done.
func TestPassing(t *testing.T) {
	lost := &transportError{"GET", "/", errors.New("reset")}
	for name, test := range map[string]struct {
		err          error
		read, change bool
	}{
		"429":           {&Error{Status: 429}, true, true},
		"502":           {&Error{Status: 502}, true, false},
		"503":           {&Error{Status: 503}, true, false},
		"503 read-only": {&Error{Status: 503, readOnly: true}, false, false},
		"504":           {&Error{Status: 504}, true, false},
		"500":           {&Error{Status: 500}, false, false},
		"404":           {&Error{Status: 404}, false, false},
		"a lost answer": {lost, true, false},
		"a bad answer":  {errors.New("no JSON"), false, false},
	} {
		if read, change := passing(test.err, true), passing(test.err, false); read != test.read || change != test.change {
			t.Errorf("%s: read %t, change %t", name, read, change)
		}
	}
}
