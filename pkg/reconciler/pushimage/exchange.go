package pushimage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/logging"

	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/keyless"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// How long a keyless run waits before it asks again for its credential, and for how long Quay, or the cluster's issuer, may be away.
const (
	exchangePause    = 5 * time.Second
	exchangePatience = 5 * time.Minute
)

// exchanging is what comes of a run whose credential was not made: its end; or, while that may pass, a request to come back, of which the
// run's condition tells. Any other error is returned.
func (r *Reconciler) exchanging(ctx context.Context, v view, d tenant.Decision, err error) error {
	var failed *keyless.Error
	switch {
	case errors.Is(err, keyless.ErrBusy):
		// The longer it waits the less often it asks: each time costs reads.
		age := max(r.clock.Since(v.run.CreationTimestamp.Time), 0)
		return controller.NewRequeueAfter(min(max(age/4, time.Second), exchangePause))
	case !errors.As(err, &failed):
		return err
	}
	r.metrics.SecretChecked(ctx, d.Team, failed.Reason)
	if !failed.Passing || waited(v.run) && r.clock.Since(v.run.Status.StartTime.Time) > exchangePatience {
		return &customrun.Failure{Reason: failed.Reason, Message: failed.Problem, Next: failed.Next}
	}
	logging.FromContext(ctx).Infow("Exchanging the token again", "in", exchangePause, "because", failed.Problem)
	if !waited(v.run) {
		if err := v.run.Status.EncodeExtraFields(decided(d)); err != nil {
			return fmt.Errorf("recording the decision: %w", err)
		}
		if err := r.status.Running(ctx, v.run, fmt.Sprintf("no credential yet, it is tried again for %s: %s", exchangePatience, failed.Problem)); err != nil {
			return err
		}
	}
	return controller.NewRequeueAfter(exchangePause)
}

// waited reports whether the run has a status, in which its wait began.
func waited(run *v1beta1.CustomRun) bool {
	return run.Status.StartTime != nil && run.Status.GetCondition(apis.ConditionSucceeded) != nil
}
