package cli

import (
	"context"
	"fmt"
	"sync"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// watchedLock is a Lease whose failures are not lost: the library tries again whatever the API server says.
type watchedLock struct {
	resourcelock.Interface
	// cancel ends the waiting for it, which is over once began is closed.
	cancel context.CancelCauseFunc
	began  <-chan struct{}

	mu sync.Mutex
	// holder has it, failed is what came of the last request.
	holder string
	failed error
}

// Get implements resourcelock.Interface.
func (l *watchedLock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.Interface.Get(ctx)
	if record != nil {
		l.mu.Lock()
		l.holder = record.HolderIdentity
		l.mu.Unlock()
	}
	if apierrs.IsNotFound(err) {
		return record, raw, err // It is created then.
	}
	return record, raw, l.watch("get", err)
}

// Create implements resourcelock.Interface.
func (l *watchedLock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.watch("create", l.Interface.Create(ctx, record))
}

// Update implements resourcelock.Interface.
func (l *watchedLock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.watch("update", l.Interface.Update(ctx, record))
}

// watch keeps what came of a request, and ends the waiting where another request gets no other answer.
func (l *watchedLock) watch(verb string, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = err
	select {
	case <-l.began:
		return err
	default:
	}
	problem := fmt.Sprintf("trying to %s Lease %q: %v", verb, l.Describe(), err)
	switch {
	case apierrs.IsForbidden(err):
		l.cancel(&failure{ExitNoRight, problem, fmt.Sprintf("get the right to get, create and update Leases in namespace %q", systemNamespace)})
	case apierrs.IsUnauthorized(err):
		l.cancel(err)
	case apierrs.IsNotFound(err) && verb == "create":
		l.cancel(&failure{ExitMissing, problem, fmt.Sprintf("install quay-push first (docs/install.md): the Lease is in its namespace %q", systemNamespace)})
	}
	return err
}

// notHad is why nothing came of waiting.
func (l *watchedLock) notHad() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holder == "" && l.failed != nil {
		return fmt.Errorf("getting Lease %q: %w", l.Describe(), l.failed)
	}
	return &robot.Error{Reason: robot.ReasonConflict, Problem: fmt.Sprintf("Lease %q is held by %q", l.Describe(), l.holder), Next: "let it end, then run this again"}
}
