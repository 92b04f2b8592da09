package pushimage

import (
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	listers "github.com/tektoncd/pipeline/pkg/client/listers/pipeline/v1beta1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/tools/cache"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/kmeta"

	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// childEvents has the CustomRun looked at of which a TaskRun tells, and, when a place in custody is free, those that wait for one.
func (r *Reconciler) childEvents(impl *controller.Impl, runs listers.CustomRunLister) cache.ResourceEventHandler {
	enqueue := func(object any) {
		task, err := kmeta.DeletionHandlingAccessor(object)
		if err != nil {
			return
		}
		custody := r.config().CustodyNamespace
		impl.EnqueueKey(ownerOf(task, custody))
		if task.GetNamespace() == custody {
			r.enqueueNext(impl, custody)
		}
	}
	ended := func(task *pipelinev1.TaskRun) bool {
		of := ownerOf(task, r.config().CustodyNamespace)
		run, err := runs.CustomRuns(of.Namespace).Get(of.Name)
		return err == nil && customrun.Done(run)
	}
	return passing(enqueue, ended, r.metrics.ChildEvent)
}

// passing passes on the few of a TaskRun's dozen updates that change what the CustomRun says: that it ended, was tried again, or
// went away (tektoncd/pipeline#10322 counts the updates); and those of one that goes on although its CustomRun has ended. What
// somebody took the label off goes away, too: the informer's selector does not find it any more.
func passing(enqueue func(any), ended func(*pipelinev1.TaskRun) bool, count func(passed bool)) cache.ResourceEventHandler {
	pass := func(object any, passed bool) {
		count(passed)
		if passed {
			enqueue(object)
		}
	}
	// An informer that had to list anew tells neither of an eviction nor that Tekton took it back, if both were meanwhile.
	late := func(task *pipelinev1.TaskRun) bool { return !over(task) && !task.IsCancelled() && ended(task) }
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) {
			task, ok := object.(*pipelinev1.TaskRun)
			pass(object, ok && (over(task) || late(task)))
		},
		UpdateFunc: func(before, after any) {
			b, _ := before.(*pipelinev1.TaskRun)
			a, ok := after.(*pipelinev1.TaskRun)
			pass(after, ok && b != nil && (a.IsDone() != b.IsDone() || over(a) != over(b) || len(a.Status.RetriesStatus) != len(b.Status.RetriesStatus) ||
				// What was evicted, came back and ended, where an informer that had to list anew tells of the end alone.
				late(a) || a.IsDone() && !equality.Semantic.DeepEqual(a.Status.Conditions, b.Status.Conditions)))
		},
		DeleteFunc: func(object any) { pass(object, true) },
	}
}

// runEvents has looked at what a CustomRun that is gone left in custody, and, when one waits no more, at those that still do.
func (r *Reconciler) runEvents(impl *controller.Impl) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(before, after any) {
			b, _ := before.(*v1beta1.CustomRun)
			a, ok := after.(*v1beta1.CustomRun)
			if ok && b != nil && waits(b) && !waits(a) {
				r.enqueueNext(impl, r.config().CustodyNamespace)
			}
		},
		DeleteFunc: func(object any) {
			// What has an owner goes with it; what is in custody has none.
			if custody := r.config().CustodyNamespace; custody != "" {
				impl.Enqueue(object)
				r.enqueueNext(impl, custody)
			}
		},
	}
}

func (r *Reconciler) enqueueNext(impl *controller.Impl, custody string) {
	for _, key := range r.turns.next(custody) {
		impl.EnqueueKey(key)
	}
}
