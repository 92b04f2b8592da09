package pushimage

import (
	"context"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	tektonclient "github.com/tektoncd/pipeline/pkg/client/injection/client"
	taskruninformer "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1/taskrun/filtered"
	customruninformer "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1beta1/customrun"
	customrunreconciler "github.com/tektoncd/pipeline/pkg/client/injection/reconciler/pipeline/v1beta1/customrun"
	tektoncontroller "github.com/tektoncd/pipeline/pkg/controller"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"
	"knative.dev/pkg/logging"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
)

// TaskRunSelector selects the TaskRuns that the controller caches: its own.
const TaskRunSelector = v1alpha1.LabelManaged + "=true"

// NewController returns what wires the reconciler to Knative, with a clock. Besides the Interface, three options matter, and
// a test fails without each: SkipStatusUpdates, since Knative would un-finish a run that is patched after its end, and put
// its status over a newer one; PromoteFilterFunc, since a new leader would otherwise get every controller's CustomRuns.
func NewController(now clock.PassiveClock) injection.ControllerConstructor {
	return func(ctx context.Context, watcher configmap.Watcher) *controller.Impl {
		return newController(ctx, watcher, now)
	}
}

func newController(ctx context.Context, watcher configmap.Watcher, now clock.PassiveClock) *controller.Impl {
	store := configmap.NewUntypedStore("tenancy", logging.FromContext(ctx), configmap.Constructors{config.Name: config.FromConfigMap})
	store.WatchConfigs(watcher)
	client := tektonclient.Get(ctx)
	r := &Reconciler{
		cluster:  tenancy.FromContext(ctx),
		tekton:   client,
		taskRuns: taskruninformer.Get(ctx, TaskRunSelector).Lister(),
		config:   func() *config.Config { return store.UntypedLoad(config.Name).(*config.Config) },
		status:   customrun.Writer{Client: client, Clock: now},
		clock:    now,
	}
	filter := tektoncontroller.FilterCustomRunRef(v1alpha1.APIVersion, v1alpha1.KindPushImage)
	impl := customrunreconciler.NewImpl(ctx, r, func(*controller.Impl) controller.Options {
		return controller.Options{AgentName: "quay-push", SkipStatusUpdates: true, PromoteFilterFunc: filter}
	})
	runs := customruninformer.Get(ctx)
	must(ctx, runs.Informer().SetTransform(customrun.Slim))
	_, err := runs.Informer().AddEventHandler(cache.FilteringResourceEventHandler{
		FilterFunc: func(object any) bool { return filter(object) && !ended(object) },
		Handler:    controller.HandleAll(impl.Enqueue),
	})
	must(ctx, err)
	_, err = taskruninformer.Get(ctx, TaskRunSelector).Informer().AddEventHandler(childEvents(impl.EnqueueControllerOf))
	must(ctx, err)
	return impl
}

// childEvents passes on the few of a TaskRun's dozen updates that change what the CustomRun says: that it ended, was tried
// again, or went away (tektoncd/pipeline#10322 counts the updates).
func childEvents(enqueue func(any)) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) {
			if task, ok := object.(*pipelinev1.TaskRun); ok && task.IsDone() {
				enqueue(object)
			}
		},
		UpdateFunc: func(before, after any) {
			b, _ := before.(*pipelinev1.TaskRun)
			a, ok := after.(*pipelinev1.TaskRun)
			if ok && b != nil && (a.IsDone() != b.IsDone() || len(a.Status.RetriesStatus) != len(b.Status.RetriesStatus)) {
				enqueue(after)
			}
		},
		DeleteFunc: enqueue,
	}
}

// ended says that nothing is left to do for a CustomRun.
func ended(object any) bool {
	run, ok := object.(*v1beta1.CustomRun)
	return ok && customrun.Done(run)
}

func must(ctx context.Context, err error) {
	if err != nil {
		logging.FromContext(ctx).Fatalw("Wiring the controller", "error", err)
	}
}
