package pushimage

import (
	"context"
	"errors"

	"github.com/comptech-lab/quay-push/pkg/reconciler/keyless"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// exchanging is what comes of a run whose credential was not made: its end; or, while that may pass, a request to come back, of which the
// run's condition tells. Any other error is returned.
func (r *Reconciler) exchanging(ctx context.Context, v view, d tenant.Decision, err error) error {
	var failed *keyless.Error
	switch {
	case errors.Is(err, keyless.ErrBusy):
		return r.status.Busy(v.run)
	case !errors.As(err, &failed):
		return err
	}
	r.metrics.SecretChecked(ctx, d.Team, failed.Reason)
	return r.status.SetBack(ctx, v.run, failed.Setback(), keyless.Lacks, decided(d))
}
