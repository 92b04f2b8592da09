package pushimage

import (
	"context"
	"net/http"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	tektonclient "github.com/tektoncd/pipeline/pkg/client/injection/client"
	taskruninformer "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1/taskrun/filtered"
	customruninformer "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1beta1/customrun"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"
	"knative.dev/pkg/kmeta"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/projection"
	"github.com/comptech-lab/quay-push/pkg/reconciler/provenance"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
)

// NewController returns what wires the reconciler to Knative, with a clock. The context must carry customrun.TaskRunSelector.
func NewController(now clock.PassiveClock) injection.ControllerConstructor {
	return newController(now, http.DefaultTransport)
}

// newController reaches registries through transport.
func newController(now clock.PassiveClock, transport http.RoundTripper) injection.ControllerConstructor {
	return func(ctx context.Context, watcher configmap.Watcher) *controller.Impl {
		taskRuns, client := taskruninformer.Get(ctx, customrun.TaskRunSelector), tektonclient.Get(ctx)
		cluster := tenancy.FromContext(ctx)
		r := &Reconciler{
			cluster:   cluster,
			owners:    tenancy.NewOwners(cluster, now),
			projector: projection.Projector{Cluster: cluster, Client: cluster.Kube},
			verifier:  provenance.Verifier{Transport: transport},
			tekton:    client,
			taskRuns:  taskRuns.Lister(),
			config:    config.Watch(ctx, watcher),
			status:    customrun.Writer{Client: client, Clock: now},
			clock:     now,
			metrics:   customrun.Metrics(ctx),
		}
		impl := customrun.NewImpl(ctx, r, v1alpha1.KindPushImage, r.orphans)
		enqueue := func(object any) {
			if task, err := kmeta.DeletionHandlingAccessor(object); err == nil && task.GetNamespace() == r.config().CustodyNamespace {
				if key, ok := customRunOf(task); ok {
					impl.EnqueueKey(key)
				}
			}
			impl.EnqueueControllerOf(object)
		}
		runs := customruninformer.Get(ctx)
		ended := func(task *pipelinev1.TaskRun) bool {
			run, err := runs.Lister().CustomRuns(ownerOf(task).Namespace).Get(ownerOf(task).Name)
			return err == nil && customrun.Done(run)
		}
		_, err := taskRuns.Informer().AddEventHandler(childEvents(enqueue, ended, r.metrics.ChildEvent))
		customrun.Must(ctx, err)
		_, err = runs.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{DeleteFunc: func(object any) {
			// What has an owner goes with it; what is in custody has none.
			if r.config().CustodyNamespace != "" {
				impl.Enqueue(object)
			}
		}})
		customrun.Must(ctx, err)
		return impl
	}
}

// childEvents passes on the few of a TaskRun's dozen updates that change what the CustomRun says: that it ended, was tried
// again, or went away (tektoncd/pipeline#10322 counts the updates); and those of one that goes on although its CustomRun has ended.
func childEvents(enqueue func(any), ended func(*pipelinev1.TaskRun) bool, count func(passed bool)) cache.ResourceEventHandler {
	pass := func(object any, passed bool) {
		count(passed)
		if passed {
			enqueue(object)
		}
	}
	// An informer that had to list anew tells neither of an eviction nor that Tekton took it back, if both were meanwhile.
	late := func(task *pipelinev1.TaskRun) bool { return !task.IsDone() && !task.IsCancelled() && ended(task) }
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) {
			task, ok := object.(*pipelinev1.TaskRun)
			pass(object, ok && (task.IsDone() || late(task)))
		},
		UpdateFunc: func(before, after any) {
			b, _ := before.(*pipelinev1.TaskRun)
			a, ok := after.(*pipelinev1.TaskRun)
			pass(after, ok && b != nil && (a.IsDone() != b.IsDone() || len(a.Status.RetriesStatus) != len(b.Status.RetriesStatus) ||
				// What was evicted, came back and ended, where an informer that had to list anew tells of the end alone.
				late(a) || a.IsDone() && !equality.Semantic.DeepEqual(a.Status.Conditions, b.Status.Conditions)))
		},
		DeleteFunc: func(object any) { pass(object, true) },
	}
}
