package push_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// At the deadline the last failure counts: its class, its proof, and that the time is over. A pause that does not fit is not begun.
func TestLastFailureAtTheDeadline(t *testing.T) {
	late := func(pause time.Duration) http.Header {
		return http.Header{"Retry-After": {strconv.FormatInt(time.Now().Add(pause).Unix(), 10)}}
	}
	for _, test := range []struct {
		name         string
		fault        quaytest.Fault
		pause        time.Duration
		class        failure.Class
		proof, words string
	}{
		{"503 on the ping", quaytest.Fault{Path: onPing, Effect: unavailable(503)}, time.Hour, failure.ClassUnavailable, "GET /v2/: 503", "before the next try"},
		{"503 on a blob", quaytest.Fault{Method: "PUT", Path: onUpload, Effect: unavailable(503)}, time.Hour, failure.ClassUnavailable, "503 Service Unavailable", "before the next try"},
		{"503 on the tag", quaytest.Fault{Method: "PUT", Path: onTag, Effect: unavailable(500)}, time.Hour, failure.ClassUnavailable, "PUT /v2/team-a/app/manifests/v1: 500", "before the next try"},
		{"a reset", quaytest.Fault{Path: onToken, Effect: quaytest.Reset(0)}, time.Hour, failure.ClassNetwork, "GET /v2/", "before the next try"},
		{"429 for hours", quaytest.Fault{Path: onToken, Effect: quaytest.Status(429, http.Header{"Retry-After": {"7200"}}, "")}, time.Millisecond, failure.ClassRateLimited, "429", "in 1h0m0s"},
		{"429 until a date", quaytest.Fault{Path: onToken, Effect: quaytest.Status(429, late(90*time.Minute), "")}, time.Millisecond, failure.ClassRateLimited, "429", "in 1h0m0s"},
		{"503 for hours", quaytest.Fault{Method: "POST", Path: onUpload, Effect: quaytest.Status(503, http.Header{"Retry-After": {"3600.5"}}, "")}, time.Millisecond, failure.ClassUnavailable, "503", "in 1h0m0s"},
		{"504 on a commit", quaytest.Fault{Method: "PUT", Path: onUpload, Effect: unavailable(504)}, time.Hour, failure.ClassUnavailable, "504", "--timeout is over"},
		{"a stall after a 503", quaytest.Fault{Path: onToken, Nth: 2, Effect: quaytest.Stall(nil)}, time.Millisecond, failure.ClassUnavailable, "GET /v2/auth: 503", "--timeout is over"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // Most of it is waiting.
			f := newFixture(t)
			// Less than half of the longest pause of our own, which is random above that.
			f.opts.Timeout, f.opts.RetryPause = 10*time.Second, test.pause
			if strings.HasPrefix(test.name, "a stall") {
				f.opts.Timeout = 4 * time.Second // It is waited for.
				f.Faults.Add(quaytest.Fault{Name: "503", Path: onToken, Effect: unavailable(503)})
			}
			test.fault.Name, test.fault.Times = test.name, -1
			f.Faults.Add(test.fault)
			_, err := push.Push(context.Background(), f.opts)
			reason, ok := err.(*failure.Error)
			if !ok || reason.Class != test.class {
				t.Fatalf("pushing = %v, want class %s", err, test.class.Name)
			}
			if !strings.Contains(reason.Error(), test.proof) || !strings.Contains(reason.Problem, "--timeout is over") || !strings.Contains(reason.Problem, test.words) {
				t.Errorf("the error is %q, want %q and %q in it", reason, test.proof, test.words)
			}
		})
	}
}

// One worker's pause is for all: none of them waits past the deadline, and none loses why.
func TestWorkersAtTheDeadline(t *testing.T) {
	f := newFixture(t)
	sizes := make([]int, 30)
	for i := range sizes {
		sizes[i] = small + i
	}
	writeLayout(t, f.layout, sizes...)
	f.opts.Timeout = time.Minute
	f.Faults.Add(quaytest.Fault{Name: "busy", Method: "POST", Path: onUpload, Nth: 5, Times: -1,
		Effect: quaytest.Status(429, http.Header{"Retry-After": {"3600"}}, "")})
	began := time.Now()
	f.fail(failure.ClassRateLimited)
	if took := time.Since(began); took > 50*time.Second {
		t.Errorf("it took %v to know that an hour does not fit into a minute", took)
	}
}
