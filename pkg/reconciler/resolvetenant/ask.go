package resolvetenant

import (
	"context"
	"errors"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/keyless"
	"github.com/comptech-lab/quay-push/pkg/reconciler/preflight"
	"github.com/comptech-lab/quay-push/pkg/reconciler/request"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// ask asks the registry whether the push could begin with what the tenant has. The error is an end of the run, or a request to come back.
func (r *Reconciler) ask(ctx context.Context, q request.Request, d tenant.Decision, held tenancy.Holding, c *config.Config) error {
	entry := func(ctx context.Context) (dockerconfig.Match, error) {
		if held.Account == nil {
			return held.Match, nil
		}
		credential, err := r.keyless.Credential(ctx, c, *held.Account)
		return dockerconfig.Match{Credential: credential}, err // It is in no file, and so has no key.
	}
	return r.lacking(ctx, q, d, r.registry.Ask(ctx, q.Image(), q.Preflight() == v1alpha1.PreflightAllowNew, entry))
}

// lacking is what comes of a run without an answer, or with one that it does not want.
func (r *Reconciler) lacking(ctx context.Context, q request.Request, d tenant.Decision, err error) error {
	var unmade *keyless.Error
	var refused *customrun.Setback
	switch {
	case errors.Is(err, keyless.ErrBusy), errors.Is(err, preflight.ErrBusy):
		return r.status.Busy(q.Run)
	case errors.As(err, &unmade):
		r.metrics.SecretChecked(ctx, d.Team, unmade.Reason)
		return r.status.SetBack(ctx, q.Run, unmade.Setback(), keyless.Lacks, nil)
	case errors.As(err, &refused):
		if refused.Reason == v1alpha1.ReasonRobotRefused {
			r.metrics.SecretChecked(ctx, d.Team, refused.Reason)
		}
		return r.status.SetBack(ctx, q.Run, *refused, preflight.Lacks, nil)
	}
	return err
}
