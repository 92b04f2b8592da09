package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
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

// Resolve decides whose run it is. params are the CustomRun's, by name. Whether the tenant's Secret is fit is for the caller to ask,
// where request.Place says that it is. The error is an end of the run, see FailureOf; a request to come back, where Tekton has not listed
// the CustomRun yet; or the API server's.
func Resolve(ctx context.Context, owners *Owners, c *config.Config, run *v1beta1.CustomRun, params map[string]string, now time.Time) (tenant.Decision, *pipelinev1.PipelineRun, error) {
	d, owner, err := owners.decide(ctx, c, run, params, now)
	switch {
	case err != nil:
		return d, nil, err
	case owner != nil && owner.IsDone():
		return d, nil, customrun.Failf(v1beta1.CustomRunReasonCancelled.String(), "PipelineRun %q has ended", owner.Name)
	}
	if given := params[v1alpha1.ParamDockerconfigSecret]; given != "" && given != d.Secret {
		return d, nil, &customrun.Failure{Reason: v1alpha1.ReasonSecretMismatch, Next: "leave the param out",
			Message: fmt.Sprintf("param %s names Secret %q, team %q pushes with %q", v1alpha1.ParamDockerconfigSecret, given, d.Team, d.Secret)}
	}
	return d, owner, nil
}

// decide decides on what is remembered of the PipelineRun where that does no harm, see Owners, else on what a read says. A CustomRun
// that is not listed is looked at again after a pause, which grows with its age.
func (o *Owners) decide(ctx context.Context, c *config.Config, run *v1beta1.CustomRun, params map[string]string, now time.Time) (tenant.Decision, *pipelinev1.PipelineRun, error) {
	f, err := gather(ctx, o.cluster, c, run, params)
	if err != nil {
		return tenant.Decision{}, nil, err
	}
	if f.claim == "" {
		d, err := f.decide(c, nil, false)
		return d, nil, err
	}
	age := max(now.Sub(run.CreationTimestamp.Time), 0)
	patient, pause := age < unlistedPatience, min(max(age/4, firstLook), longestPause)
	again := controller.NewRequeueAfter(pause)
	key := types.NamespacedName{Namespace: run.Namespace, Name: f.claim}
	if old := o.recall(key); patient && old.run != nil {
		d, err := f.decide(c, old.run, true)
		switch {
		case errors.Is(err, ErrUnlisted) && now.Sub(old.began) < pause:
			return d, nil, again
		case err == nil && !old.run.IsDone() && now.Sub(old.began) < remembered && younger(old, run):
			return d, old.run, nil
		}
	}
	if patient && !o.mayWait(key, age, now) {
		return tenant.Decision{}, nil, again
	}
	owner, err := o.read(ctx, key)
	if err != nil && !apierrs.IsNotFound(err) {
		o.answered(key, true, now)
		return tenant.Decision{}, nil, fmt.Errorf("reading PipelineRun %q: %w", f.claim, err)
	}
	d, err := f.decide(c, owner, patient)
	unlisted := errors.Is(err, ErrUnlisted)
	o.answered(key, !unlisted, now)
	if unlisted {
		return d, nil, again
	}
	return d, owner, err
}

// younger reports whether the view is from after the CustomRun was made, whose time is cut to a second.
func younger(v view, run *v1beta1.CustomRun) bool {
	return !v.began.Before(run.CreationTimestamp.Add(time.Second))
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
		return &customrun.Failure{Reason: refusal.Reason, Message: fmt.Sprintf("%s (rule %s)", refusal.Message, refusal.Rule), Next: refusal.Allow}
	case errors.As(err, &secret):
		return &customrun.Failure{Reason: secret.Reason, Message: secret.Problem, Next: secret.Next}
	}
	return nil
}
