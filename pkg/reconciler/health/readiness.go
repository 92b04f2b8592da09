// Package health reports whether the controller can do its work: to the kubelet as readiness, and to Prometheus as gauges of what
// it sees in its caches.
package health

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Readiness is the answer to the readiness probe: the replica has read everything that a decision looks at, and was not asked
// to stop. A rollout waits for that, so that it never replaces a replica that works by one that cannot. It is safe for
// concurrent use.
type Readiness struct {
	stop <-chan struct{}

	mu    sync.Mutex
	needs map[string]func() bool
}

// NewReadiness returns a Readiness that ends when stop is closed.
func NewReadiness(stop <-chan struct{}) *Readiness {
	return &Readiness{stop: stop, needs: map[string]func() bool{}}
}

// Need has the replica not be ready before met returns true; name is for a person.
func (r *Readiness) Need(name string, met func() bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.needs[name] = met
}

// Err says why the replica is not ready; nil if it is. One that needs nothing yet has not been set up.
func (r *Readiness) Err() error {
	select {
	case <-r.stop:
		return fmt.Errorf("stopping")
	default:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.needs) == 0 {
		return fmt.Errorf("no controller is set up yet")
	}
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(r.needs)) {
		if !r.needs[name]() {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("waiting for %s", strings.Join(missing, ", "))
	}
	return nil
}

// ServeHTTP answers 200, or 503 with the reason.
func (r *Readiness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if err := r.Err(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}
