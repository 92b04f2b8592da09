package customrun

import (
	"context"
	"fmt"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	customruninformer "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1beta1/customrun"
	customrunreconciler "github.com/tektoncd/pipeline/pkg/client/injection/reconciler/pipeline/v1beta1/customrun"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/logging"
	"knative.dev/pkg/reconciler"

	"github.com/comptech-lab/quay-push/pkg/reconciler/turns"
)

// namespaceShare is the part of the threads, one in so many, that one namespace can have.
const namespaceShare = 4

// Generated is the reconciler that Tekton generates around an Interface.
type Generated interface {
	turns.LeaderAware
	IsLeaderFor(key types.NamespacedName) bool
}

// NewImpl returns the controller that answers the CustomRuns of kind. Besides the Interface, two options matter, and a test
// fails without each: SkipStatusUpdates, since Knative would un-finish a run that is patched after its end, and put its
// status over a newer one; PromoteFilterFunc, since a new leader would otherwise get every controller's CustomRuns.
// A new leader looks also at the CustomRuns that besides returns, which may be gone; nil: at none.
// around wraps what Tekton generates, inside the turns that namespaces take; nil: nothing does.
func NewImpl(ctx context.Context, r customrunreconciler.Interface, kind string, around func(Generated) turns.LeaderAware, besides func() []types.NamespacedName) *controller.Impl {
	filter := func(object any) bool {
		run, ok := object.(*v1beta1.CustomRun)
		return ok && Is(run, kind)
	}
	m := Metrics(ctx)
	m.Leads(kind, 0) // A sum over replicas of which none has ever led has to be 0, not nothing.
	impl := customrunreconciler.NewImpl(ctx, r, func(impl *controller.Impl) controller.Options {
		return controller.Options{
			AgentName: "quay-push", SkipStatusUpdates: true, PromoteFilterFunc: filter,
			PromoteFunc: func(bucket reconciler.Bucket) {
				m.Leads(kind, 1)
				if besides == nil {
					return
				}
				for _, key := range besides() {
					if bucket.Has(key) {
						impl.EnqueueKey(key)
					}
				}
			},
			DemoteFunc: func(reconciler.Bucket) { m.Leads(kind, -1) },
		}
	})
	generated, ok := impl.Reconciler.(Generated)
	if !ok {
		Must(ctx, fmt.Errorf("%T does not tell whether it leads", impl.Reconciler))
	}
	inner := turns.LeaderAware(generated)
	if around != nil {
		inner = around(generated)
	}
	impl.Reconciler = turns.Share(inner, impl.Concurrency/namespaceShare, impl.EnqueueKey)
	informer := customruninformer.Get(ctx).Informer()
	_, err := informer.AddEventHandler(cache.FilteringResourceEventHandler{
		FilterFunc: func(object any) bool { return filter(object) && !Done(object.(*v1beta1.CustomRun)) },
		Handler:    controller.HandleAll(impl.Enqueue),
	})
	Must(ctx, err)
	return impl
}

// Must ends the program, which could not do its work, if the wiring failed.
func Must(ctx context.Context, err error) {
	if err != nil {
		logging.FromContext(ctx).Fatalw("Wiring the controller", "error", err)
	}
}
