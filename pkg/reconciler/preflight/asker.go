// Package preflight asks the registry, before anybody builds, whether a tenant's push could begin.
package preflight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/permission"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
)

const (
	// patience is how long one question may take, in which a thread waits for the registry.
	patience = 10 * time.Second
	// atOnce is how many questions are asked at once, for all namespaces: a registry that hangs holds a quarter of the threads.
	atOnce = 8
)

// ErrBusy says that as many questions are being asked as may be. Whoever comes back later gets a turn.
var ErrBusy = errors.New("the registry is being asked as many questions as may be at once")

// Asker asks registries. It is safe for concurrent use.
type Asker struct {
	caFile   string
	places   *semaphore.Weighted
	patience time.Duration
}

// New returns an Asker that trusts the authorities in caFile beside the system's; empty: the system's alone.
func New(caFile string) *Asker {
	return &Asker{caFile: caFile, places: semaphore.NewWeighted(atOnce), patience: patience}
}

// Ask asks whether a push to image, host/organization/name[:tag], could begin with what holding returns, which is asked for once it is the
// question's turn. With allowNew, a repository that the robot does not see is right: the push creates it, if the robot may, which nobody
// can know without creating it. The error is a *customrun.Setback, ErrBusy, the end of ctx, or holding's, and holds nothing of the credential.
func (a *Asker) Ask(ctx context.Context, image string, allowNew bool, holding func(context.Context) (dockerconfig.Match, error)) error {
	if !a.places.TryAcquire(1) {
		return ErrBusy
	}
	defer a.places.Release(1)
	to, err := registry.ParseTarget(image, nil)
	if err != nil {
		return refused(&permission.Refusal{Failure: failure.Of(err)}, image, a.patience)
	}
	entry, err := holding(ctx)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	err = permission.Check(within, to, entry, a.caFile)
	var refusal *permission.Refusal
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("asking whether %q takes a push: %w", image, ctx.Err())
	case !errors.As(err, &refusal):
		return err
	case allowNew && refusal.Failure.Class == failure.ClassNoAccess:
		return nil
	}
	return refused(refusal, to.Host, a.patience)
}
