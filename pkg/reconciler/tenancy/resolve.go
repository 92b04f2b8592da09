package tenancy

import (
	"context"
	"errors"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// How long a CustomRun may be missing in its PipelineRun's status. Tekton writes that at the end of the reconcile that
// created all the CustomRuns of a matrix, at most 256, which takes a minute at Tekton's default of 5 requests per second.
const (
	unlistedPatience = 90 * time.Second
	firstLook        = 100 * time.Millisecond
	longestPause     = 5 * time.Second
)

// Resolve decides whose run it is. params are the CustomRun's, by name. Whether the tenant's Secret is fit is for the caller
// to ask, in the namespace where it expects it. The error is an end of the run, see FailureOf; a request to come back, where Tekton has not listed the CustomRun yet;
// or the API server's.
func Resolve(ctx context.Context, cluster Cluster, c *config.Config, run *v1beta1.CustomRun, params map[string]string, now time.Time) (tenant.Decision, *pipelinev1.PipelineRun, error) {
	age := max(now.Sub(run.CreationTimestamp.Time), 0)
	d, owner, err := Decide(ctx, cluster, c, run, params, age < unlistedPatience)
	switch {
	case errors.Is(err, ErrUnlisted):
		return d, nil, controller.NewRequeueAfter(min(max(age/4, firstLook), longestPause))
	case err != nil:
		return d, nil, err
	case owner != nil && owner.IsDone():
		return d, nil, customrun.Failf(v1beta1.CustomRunReasonCancelled.String(), "PipelineRun %q has ended", owner.Name)
	}
	if given := params[v1alpha1.ParamDockerconfigSecret]; given != "" && given != d.Secret {
		return d, nil, customrun.Failf(v1alpha1.ReasonSecretMismatch,
			"param %s names Secret %q, team %q pushes with %q; leave the param out", v1alpha1.ParamDockerconfigSecret, given, d.Team, d.Secret)
	}
	return d, owner, nil
}

// FailureOf returns the end of the run that err is, or nil if err is worth another try.
func FailureOf(err error) *customrun.Failure {
	var failure *customrun.Failure
	var refusal *tenant.Refusal
	var secret *SecretError
	switch {
	case errors.As(err, &failure):
		return failure
	case errors.As(err, &refusal):
		return &customrun.Failure{Reason: refusal.Reason, Message: refusal.Error()}
	case errors.As(err, &secret):
		return &customrun.Failure{Reason: secret.Reason, Message: secret.Error()}
	}
	return nil
}
