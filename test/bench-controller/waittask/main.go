// Waittask is what push-image's controller is held against: a custom task of the shape of Tekton's wait-task-beta, which is
// not to be had as a module. It writes that a CustomRun runs, waits a moment, and writes that it has succeeded, with nothing
// set but what Knative and Tekton set by default.
package main

import (
	"context"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	customruninformer "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1beta1/customrun"
	customrunreconciler "github.com/tektoncd/pipeline/pkg/client/injection/reconciler/pipeline/v1beta1/customrun"
	tektoncontroller "github.com/tektoncd/pipeline/pkg/controller"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection/sharedmain"
	"knative.dev/pkg/logging"
	pkgreconciler "knative.dev/pkg/reconciler"
)

// The kind that is answered.
const (
	apiVersion = "wait.example.com/v1"
	kind       = "Wait"
)

func main() {
	sharedmain.Main("waittask", func(ctx context.Context, _ configmap.Watcher) *controller.Impl {
		impl := customrunreconciler.NewImpl(ctx, &reconciler{clock: clock.RealClock{}, wait: time.Millisecond})
		if _, err := customruninformer.Get(ctx).Informer().AddEventHandler(cache.FilteringResourceEventHandler{
			FilterFunc: tektoncontroller.FilterCustomRunRef(apiVersion, kind),
			Handler:    controller.HandleAll(impl.Enqueue),
		}); err != nil {
			logging.FromContext(ctx).Fatalw("Wiring the controller", "error", err)
		}
		return impl
	})
}

// reconciler ends runs a moment after it has begun them.
type reconciler struct {
	clock clock.PassiveClock
	wait  time.Duration
}

// ReconcileKind changes the status of the run, which the generated code then writes.
func (r *reconciler) ReconcileKind(_ context.Context, run *v1beta1.CustomRun) pkgreconciler.Event {
	if run.IsDone() || run.Spec.CustomRef == nil || run.Spec.CustomRef.APIVersion != apiVersion {
		return nil
	}
	if !run.HasStarted() {
		run.Status.InitializeConditions()
		run.Status.MarkCustomRunRunning("Running", "waiting")
		return controller.NewRequeueAfter(r.wait)
	}
	if left := r.wait - r.clock.Since(run.Status.StartTime.Time); left > 0 {
		return controller.NewRequeueAfter(left)
	}
	run.Status.MarkCustomRunSucceeded("Succeeded", "waited")
	return nil
}
