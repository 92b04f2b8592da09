// Package pushimage answers CustomRuns of kind PushImage: it decides the tenant, checks that tenant's Secret, has the shared
// Task push with it, and hands on how that ends.
package pushimage

import (
	"context"

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
	"github.com/comptech-lab/quay-push/pkg/reconciler/keyless"
	"github.com/comptech-lab/quay-push/pkg/reconciler/provenance"
	"github.com/comptech-lab/quay-push/pkg/reconciler/runsecret"
	"github.com/comptech-lab/quay-push/pkg/reconciler/signing"
	"github.com/comptech-lab/quay-push/pkg/reconciler/telemetry"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
)

// Reconciler answers one CustomRun at a time. It is safe for concurrent use.
type Reconciler struct {
	cluster  tenancy.Cluster
	owners   *tenancy.Owners
	keyless  *keyless.Exchanger
	issuer   runsecret.Issuer
	verifier provenance.Verifier
	signers  *signing.Signers
	tekton   tekton.Interface
	taskRuns pipelinelisters.TaskRunLister
	config   func() *config.Config
	status   customrun.Writer
	clock    clock.PassiveClock
	metrics  *telemetry.Metrics
	turns    *copyTurns
}

var (
	_ customrunreconciler.Interface  = (*Reconciler)(nil)
	_ reconciler.OnDeletionInterface = (*Reconciler)(nil)
)

// ReconcileKind brings one CustomRun on. An error is worth another try; what no try can mend becomes Succeeded=False.
func (r *Reconciler) ReconcileKind(ctx context.Context, run *v1beta1.CustomRun) reconciler.Event {
	ctx, cancel := context.WithTimeout(ctx, reconciler.DefaultTimeout)
	defer cancel()
	if !customrun.Is(run, v1alpha1.KindPushImage) {
		return nil
	}
	v, err := r.look(run)
	if err != nil {
		return err
	}
	if customrun.Done(run) {
		if err := r.stop(ctx, v); err != nil {
			return err
		}
		return r.sweep(ctx, v)
	}
	if run.DeletionTimestamp != nil {
		if err := r.takeBack(ctx, v); err != nil {
			return err
		}
	}
	err = r.advance(ctx, v)
	if failure := tenancy.FailureOf(err); failure != nil {
		err = r.end(ctx, v, failure)
	}
	if err == nil {
		r.record(ctx, v)
	}
	return err
}

// end writes why the run failed, when nothing of it is left that could push.
func (r *Reconciler) end(ctx context.Context, v view, failure *customrun.Failure) error {
	r.turns.release(v.run.UID)
	err := r.abandon(ctx, v)
	if again, _ := controller.IsRequeueKey(err); err != nil && !(again && failure.Reason == v1alpha1.ReasonTaskRunNameConflict) {
		// How a TaskRun ends that somebody made in the run's name is nobody's to wait for.
		return err
	}
	if err := r.withdraw(ctx, v); err != nil {
		return err
	}
	return r.status.Fail(ctx, v.run, failure)
}

// advance mirrors the TaskRun where there is one, and starts it where there is none.
func (r *Reconciler) advance(ctx context.Context, v view) error {
	if v.state.TaskRun.UID == "" {
		return r.start(ctx, v)
	}
	task, seen, err := r.child(ctx, v)
	if err != nil {
		return err
	}
	err = r.mirror(ctx, v, task)
	if again, wait := controller.IsRequeueKey(err); !seen && !customrun.Done(v.run) && (err == nil || again && wait > unseen) {
		return controller.NewRequeueAfter(unseen)
	}
	return err
}
