// Package pushimage answers CustomRuns of kind PushImage: it decides the tenant, checks that tenant's Secret, has the shared
// Task push with it, and hands on how that ends.
package pushimage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	customrunreconciler "github.com/tektoncd/pipeline/pkg/client/injection/reconciler/pipeline/v1beta1/customrun"
	pipelinelisters "github.com/tektoncd/pipeline/pkg/client/listers/pipeline/v1"
	"k8s.io/utils/clock"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/reconciler"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// Reconciler answers one CustomRun at a time. It is safe for concurrent use.
type Reconciler struct {
	cluster  tenancy.Cluster
	tekton   tekton.Interface
	taskRuns pipelinelisters.TaskRunLister
	config   func() *config.Config
	status   customrun.Writer
	clock    clock.PassiveClock
}

var _ customrunreconciler.Interface = (*Reconciler)(nil)

// ReconcileKind brings one CustomRun on. An error is worth another try; what no try can mend becomes Succeeded=False.
func (r *Reconciler) ReconcileKind(ctx context.Context, run *v1beta1.CustomRun) reconciler.Event {
	ctx, cancel := context.WithTimeout(ctx, reconciler.DefaultTimeout)
	defer cancel()
	if !customrun.Is(run, v1alpha1.KindPushImage) || customrun.Done(run) || run.DeletionTimestamp != nil {
		return nil
	}
	err := r.advance(ctx, run)
	if failure := failureOf(err); failure != nil {
		return r.status.Fail(ctx, run, failure)
	}
	return err
}

// advance mirrors the TaskRun where there is one, and starts it where there is none.
func (r *Reconciler) advance(ctx context.Context, run *v1beta1.CustomRun) error {
	s, err := stateOf(run)
	if err != nil {
		return err
	}
	if s.TaskRun.UID == "" {
		return r.start(ctx, run)
	}
	task, err := r.child(ctx, run, s)
	if err != nil {
		return err
	}
	return r.mirror(ctx, run, task)
}

// failureOf returns the end of the run that err is, or nil if err is worth another try.
func failureOf(err error) *customrun.Failure {
	var failure *customrun.Failure
	var refusal *tenant.Refusal
	var secret *tenancy.SecretError
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

// How long a CustomRun may be missing in its PipelineRun's status. Tekton writes that at the end of the reconcile that
// created all the CustomRuns of a matrix, at most 256, which takes a minute at Tekton's default of 5 requests per second.
const (
	unlistedPatience = 90 * time.Second
	firstLook        = 100 * time.Millisecond
	longestPause     = 5 * time.Second
)

// start decides whose run it is, and makes the TaskRun. Nothing of a tenant's is touched before the decision.
func (r *Reconciler) start(ctx context.Context, run *v1beta1.CustomRun) error {
	if run.IsCancelled() {
		return cancelled(run)
	}
	params, err := validate(run)
	if err != nil {
		return err
	}
	c, image := r.config(), params[v1alpha1.ParamImageRef]
	age := max(r.clock.Since(run.CreationTimestamp.Time), 0)
	d, owner, err := tenancy.Decide(ctx, r.cluster, c, run, image, age < unlistedPatience)
	switch {
	case errors.Is(err, tenancy.ErrUnlisted):
		return controller.NewRequeueAfter(min(max(age/4, firstLook), longestPause))
	case err != nil:
		return err
	case owner != nil && owner.IsDone():
		return customrun.Failf(v1beta1.CustomRunReasonCancelled.String(), "PipelineRun %q has ended", owner.Name)
	}
	if given := params[v1alpha1.ParamDockerconfigSecret]; given != "" && given != d.Secret {
		return customrun.Failf(v1alpha1.ReasonSecretMismatch,
			"param %s names Secret %q, team %q pushes with %q; leave the param out", v1alpha1.ParamDockerconfigSecret, given, d.Team, d.Secret)
	}
	if err := tenancy.CheckSecret(ctx, r.cluster, run.Namespace, image, d); err != nil {
		return err
	}
	task, err := r.create(ctx, run, newTaskRun(run, owner, params, d, c))
	if err != nil {
		return err
	}
	if err := run.Status.EncodeExtraFields(newState(d, task)); err != nil {
		return fmt.Errorf("recording the decision: %w", err)
	}
	if err := r.status.Running(ctx, run, message("pushing to "+image, task)); err != nil {
		return err
	}
	if wait := timeout(run); wait > 0 {
		return controller.NewRequeueAfter(wait)
	}
	return nil
}
