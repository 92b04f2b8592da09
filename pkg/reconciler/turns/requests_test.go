package turns

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/client-go/rest"
)

// As shipped.
func newRequests() *requests {
	return &requests{limiter: rate.NewLimiter(50, 100), waiters: map[string][]chan struct{}{}}
}

// ask makes n requests of a namespace, threads at a time, and returns how long each waited.
func ask(t *testing.T, q *requests, namespace string, n, threads int) (waited []time.Duration) {
	var mu sync.Mutex
	var all sync.WaitGroup
	jobs := make(chan struct{}, n)
	for range n {
		jobs <- struct{}{}
	}
	close(jobs)
	for range threads {
		all.Go(func() {
			for range jobs {
				start := time.Now()
				if err := q.wait(t.Context(), namespace); err != nil {
					t.Error(err)
				}
				mu.Lock()
				waited = append(waited, time.Since(start))
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return waited
}

func wantIdle(t *testing.T, q *requests) {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.order) > 0 || len(q.waiters) > 0 || q.serving {
		t.Errorf("left over: %v, %v, serving %v", q.order, q.waiters, q.serving)
	}
}

// Two tenants with thousands of requests each don't keep a third from its own.
func TestRequestsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newRequests()
		start := time.Now()
		var others sync.WaitGroup
		for _, namespace := range []string{"a", "b"} {
			others.Go(func() { ask(t, q, namespace, 2000, 32) })
		}
		time.Sleep(10 * time.Second)
		for _, waited := range ask(t, q, "victim", 60, 1) {
			if waited > 80*time.Millisecond {
				t.Errorf("a request waited %s, want at most the turns of two others and its own", waited)
			}
		}
		others.Wait()
		// Nothing is lost by it: 4,060 requests, of which 100 are free.
		if took, want := time.Since(start), 3960*time.Second/50; took < want-time.Second || took > want+time.Second {
			t.Errorf("all took %s, want %s", took, want)
		}
		wantIdle(t, q)
	})
}

// Who is alone is as fast as ever: a burst of 200 pushes of six requests each.
func TestRequestsOfOneNamespace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ask(t, newRequests(), "a", 1200, 8)
		if took, want := time.Since(start), 1100*time.Second/50; took > want+time.Second {
			t.Errorf("took %s, want %s", took, want)
		}
	})
}

// A request that is given up takes no turn.
func TestRequestsGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newRequests()
		ask(t, q, "a", 100, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := q.wait(ctx, "b"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting = %v", err)
		}
		time.Sleep(time.Second) // Who gives turns sees that nobody waits.
		wantIdle(t, q)
		for q.limiter.Allow() {
		}
		if waited := ask(t, q, "a", 3, 1); slices.Max(waited) > 41*time.Millisecond {
			t.Errorf("waited %v", waited)
		}
	})
}

type answers func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

// Every client of a config has its own limiter, by the namespace of a path, and client-go none.
func TestLimit(t *testing.T) {
	config := &rest.Config{QPS: 50, Burst: 1}
	Limit(config)
	if config.QPS >= 0 || config.RateLimiter != nil {
		t.Errorf("client-go limits, too: %v, %v", config.QPS, config.RateLimiter)
	}
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		next := answers(func(*http.Request) (*http.Response, error) { sent++; return &http.Response{}, nil })
		one, other := config.WrapTransport(next), config.WrapTransport(next)
		send := func(to http.RoundTripper, url string, want time.Duration) {
			t.Helper()
			start := time.Now()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api"+url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := to.RoundTrip(r); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took != want {
				t.Errorf("%s waited %s, want %s", url, took, want)
			}
		}
		send(one, "/api/v1/namespaces/a/secrets/x", 0)
		send(one, "/api/v1/namespaces/a/secrets/x", 20*time.Millisecond)
		send(one, "/apis/tekton.dev/v1/taskruns?watch=true", 0)
		send(other, "/api/v1/namespaces/a/secrets/x", 0)
		send(one, "/api/v1/namespaces?limit=500", 20*time.Millisecond)
		if sent != 5 {
			t.Errorf("%d requests were sent", sent)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		body := &closed{Reader: strings.NewReader("x")}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api/api/v1/namespaces/a/events", body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := one.RoundTrip(r); !errors.Is(err, context.Canceled) || !body.closed || sent != 5 {
			t.Errorf("cancelled: %v, body closed %v, %d sent", err, body.closed, sent)
		}
		time.Sleep(time.Second) // Who gave turns sees that nobody waits.
	})
}

type closed struct {
	io.Reader
	closed bool
}

func (c *closed) Close() error { c.closed = true; return nil }

func TestNamespaceOf(t *testing.T) {
	for path, want := range map[string]string{
		"/api/v1/namespaces/a/secrets/x":                                "a",
		"/apis/tekton.dev/v1beta1/namespaces/b-c/customruns/d/status":   "b-c",
		"/api/v1/namespaces":                                            "",
		"/api/v1/namespaces/a":                                          "a",
		"/apis/authentication.k8s.io/v1/tokenreviews":                   "",
		"/apis/coordination.k8s.io/v1/namespaces/quay-push/leases/some": "quay-push",
	} {
		if got := namespaceOf(path); got != want {
			t.Errorf("%s is in %q, want %q", path, got, want)
		}
	}
}
