package quay

import (
	"crypto/tls"
	"errors"
	"net"
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

// Only an answer that refuses, or no connection, says that nothing was done; a lost answer is remembered over further tries.
func TestIsUnsure(t *testing.T) {
	lost := &transportError{"POST", "/", errors.New("reset")}
	dial := &transportError{"POST", "/", &net.OpError{Op: "dial", Err: errors.New("refused")}}
	proxy := &transportError{"POST", "/", &net.OpError{Op: "proxyconnect", Err: errors.New("refused")}}
	untrusted := &transportError{"POST", "/", &tls.CertificateVerificationError{Err: errors.New("unknown")}}
	busy, down := &Error{Status: 429}, &Error{Status: 503}
	for name, test := range map[string]struct {
		tries  []error
		unsure bool
	}{
		"done":                     {[]error{nil}, false},
		"400":                      {[]error{&Error{Status: 400}}, false},
		"403":                      {[]error{&Error{Status: 403}}, false},
		"500":                      {[]error{&Error{Status: 500}}, true},
		"501":                      {[]error{&Error{Status: 501}}, false},
		"502":                      {[]error{&Error{Status: 502}}, true},
		"504":                      {[]error{&Error{Status: 504}}, true},
		"520":                      {[]error{&Error{Status: 520}}, true},
		"a lost answer":            {[]error{lost}, true},
		"a connection that broke":  {[]error{&transportError{"POST", "/", &net.OpError{Op: "read", Err: errors.New("reset")}}}, true},
		"no connection":            {[]error{dial}, false},
		"no way to a proxy":        {[]error{proxy}, false},
		"nobody to trust":          {[]error{untrusted}, false},
		"429, then 403":            {[]error{busy, &Error{Status: 403}}, false},
		"lost, then 403":           {[]error{lost, &Error{Status: 403}}, true},
		"lost, then no connection": {[]error{lost, dial, dial, dial, dial}, true},
		"503 to the end":           {[]error{down, down, down, down, down}, false},
		"lost, then done":          {[]error{lost, nil}, false},
	} {
		c, n := &Client{pause: time.Microsecond}, 0
		err := c.retry(t.Context(), true, func() error { n++; return test.tries[min(n, len(test.tries))-1] })
		if want := test.tries[len(test.tries)-1]; IsUnsure(err) != test.unsure || !errors.Is(err, want) {
			t.Errorf("%s: after %d tries %v, unsure: %t", name, n, err, IsUnsure(err))
		}
	}
}
