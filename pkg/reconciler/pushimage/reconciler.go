// Package pushimage answers CustomRuns of kind PushImage: it decides the tenant, checks that tenant's Secret, has the shared
// Task push with it, and hands on how that ends.
package pushimage

import (
	"context"
	"fmt"

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
	"github.com/comptech-lab/quay-push/pkg/reconciler/projection"
	"github.com/comptech-lab/quay-push/pkg/reconciler/provenance"
	"github.com/comptech-lab/quay-push/pkg/reconciler/telemetry"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
)

// Reconciler answers one CustomRun at a time. It is safe for concurrent use.
type Reconciler struct {
	cluster   tenancy.Cluster
	owners    *tenancy.Owners
	projector projection.Projector
	verifier  provenance.Verifier
	tekton    tekton.Interface
	taskRuns  pipelinelisters.TaskRunLister
	config    func() *config.Config
	status    customrun.Writer
	clock     clock.PassiveClock
	metrics   *telemetry.Metrics
}

var (
	_ customrunreconciler.Interface  = (*Reconciler)(nil)
	_ reconciler.OnDeletionInterface = (*Reconciler)(nil)
)

// ReconcileKind brings one CustomRun on. An error is worth another try; what no try can mend becomes Succeeded=False.
func (r *Reconciler) ReconcileKind(ctx context.Context, run *v1beta1.CustomRun) reconciler.Event {
	ctx, cancel := context.WithTimeout(ctx, reconciler.DefaultTimeout)
	defer cancel()
	if !customrun.Is(run, v1alpha1.KindPushImage) || run.DeletionTimestamp != nil {
		return nil
	}
	if customrun.Done(run) {
		if err := r.stop(ctx, run); err != nil {
			return err
		}
		return r.sweep(ctx, run)
	}
	err := r.advance(ctx, run)
	if failure := tenancy.FailureOf(err); failure != nil {
		err = r.end(ctx, run, failure)
	}
	if err == nil {
		r.record(ctx, run)
	}
	return err
}

// end writes why the run failed, when nothing of it is left that could push.
func (r *Reconciler) end(ctx context.Context, run *v1beta1.CustomRun, failure *customrun.Failure) error {
	// A TaskRun that is not ours is left alone.
	if failure.Reason != v1alpha1.ReasonTaskRunNameConflict {
		if err := r.abandon(ctx, run); err != nil {
			return err
		}
	}
	if err := r.withdraw(ctx, run); err != nil {
		return err
	}
	return r.status.Fail(ctx, run, failure)
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
	task, seen, err := r.child(ctx, run, s)
	if err != nil {
		return err
	}
	err = r.mirror(ctx, run, task)
	if again, wait := controller.IsRequeueKey(err); !seen && !customrun.Done(run) && (err == nil || again && wait > unseen) {
		return controller.NewRequeueAfter(unseen)
	}
	return err
}

// start decides whose run it is, and makes the TaskRun. Nothing of a tenant's is touched before the decision.
func (r *Reconciler) start(ctx context.Context, run *v1beta1.CustomRun) error {
	if run.IsCancelled() {
		return customrun.Cancelled(run)
	}
	params, err := validate(run)
	if err != nil {
		return err
	}
	c := r.config()
	d, owner, err := tenancy.Resolve(ctx, r.owners, c, run, params, r.clock.Now())
	tenancy.RecordDecision(ctx, r.metrics, d, err)
	if err != nil {
		return err
	}
	if err := r.newest(ctx, run); err != nil {
		return err
	}
	secret, err := r.secret(ctx, run, params, d, c)
	tenancy.RecordCheck(ctx, r.metrics, d, err)
	if err != nil {
		return err
	}
	want := newTaskRun(run, owner, params, d, secret, c)
	if copies(params) {
		want = newCopy(run, owner, params, d, c)
	}
	task, err := r.create(ctx, run, want)
	if err != nil {
		return err
	}
	if task.IsDone() || task.IsCancelled() {
		// This try came late, perhaps from a leader that is none any more: whoever ends the run may have been here already.
		if err := r.withdraw(ctx, run); err != nil {
			return err
		}
	}
	if err := run.Status.EncodeExtraFields(newState(run, d, task, secret)); err != nil {
		return fmt.Errorf("recording the decision: %w", err)
	}
	if err := r.status.Running(ctx, run, message("pushing to "+params[v1alpha1.ParamImageRef], task)); err != nil {
		return err
	}
	if wait := timeout(run); wait > 0 {
		return controller.NewRequeueAfter(wait)
	}
	return nil
}
