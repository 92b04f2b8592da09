package turns

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/client-go/rest"
)

// Limit replaces the limiter of each client that is made of config, which takes requests as they come, by one that has namespaces
// take turns. The rate and the burst stay, and each client has its own.
func Limit(config *rest.Config) {
	limit, burst := rate.Limit(config.QPS), config.Burst
	config.QPS = -1 // None of client-go's.
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return &transport{next: next, requests: &requests{limiter: rate.NewLimiter(limit, burst), waiters: map[string][]chan struct{}{}}}
	})
}

type transport struct {
	next     http.RoundTripper
	requests *requests
}

// RoundTrip implements http.RoundTripper. Watches are not counted, as client-go does not.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("watch") == "" {
		if err := t.requests.wait(r.Context(), namespaceOf(r.URL.Path)); err != nil {
			if r.Body != nil {
				_ = r.Body.Close() // As a RoundTripper has to.
			}
			return nil, err
		}
	}
	return t.next.RoundTrip(r)
}

// namespaceOf returns the namespace that a path of the API is in; "" if in none.
func namespaceOf(path string) string {
	_, rest, _ := strings.Cut(path, "/namespaces/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// requests hands out tokens, one namespace after the other.
type requests struct {
	limiter *rate.Limiter

	mu sync.Mutex
	// order are the namespaces that wait, waiters their requests; serving is whether somebody gives them turns.
	order   []string
	waiters map[string][]chan struct{}
	serving bool
}

// wait returns when it is the turn of a request in namespace.
func (q *requests) wait(ctx context.Context, namespace string) error {
	turn := q.enter(namespace)
	if turn == nil {
		return nil
	}
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		q.leave(namespace, turn)
		return ctx.Err()
	}
}

// enter returns what is closed when it is the request's turn; nil if it is already.
func (q *requests) enter(namespace string) chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.serving && q.limiter.Allow() {
		return nil
	}
	if len(q.waiters[namespace]) == 0 {
		q.order = append(q.order, namespace)
	}
	turn := make(chan struct{})
	q.waiters[namespace] = append(q.waiters[namespace], turn)
	if !q.serving {
		q.serving = true
		go q.serve()
	}
	return turn
}

// leave takes back a request that waits no longer.
func (q *requests) leave(namespace string, turn chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.waiters[namespace]
	left := slices.DeleteFunc(all, func(other chan struct{}) bool { return other == turn })
	if q.waiters[namespace] = left; len(left) == 0 {
		delete(q.waiters, namespace)
		q.order = slices.DeleteFunc(q.order, func(other string) bool { return other == namespace })
	}
}

// serve gives a turn whenever there is a token, until nobody waits. Who is next is decided when the token is there.
func (q *requests) serve() {
	for {
		time.Sleep(q.limiter.Reserve().Delay())
		if !q.next() {
			return
		}
	}
}

// next gives the turn to the first request of the first namespace, which is then the last, and reports whether others wait.
func (q *requests) next() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.order) > 0 {
		namespace := q.order[0]
		waiters := q.waiters[namespace]
		close(waiters[0])
		q.order = q.order[1:]
		if q.waiters[namespace] = waiters[1:]; len(waiters) > 1 {
			q.order = append(q.order, namespace)
		} else {
			delete(q.waiters, namespace)
		}
	}
	q.serving = len(q.order) > 0
	return q.serving
}
