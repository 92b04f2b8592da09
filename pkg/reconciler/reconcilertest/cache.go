package reconcilertest

import (
	"context"
	"maps"
	"slices"
	"testing"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	tektonv1 "github.com/tektoncd/pipeline/pkg/client/informers/externalversions/pipeline/v1"
	tektonv1beta1 "github.com/tektoncd/pipeline/pkg/client/informers/externalversions/pipeline/v1beta1"
	taskruns "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1/taskrun/filtered"
	customruns "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1beta1/customrun"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	policies "knative.dev/pkg/client/injection/kube/informers/admissionregistration/v1/validatingadmissionpolicy"
	bindings "knative.dev/pkg/client/injection/kube/informers/admissionregistration/v1/validatingadmissionpolicybinding"
	namespaces "knative.dev/pkg/client/injection/kube/informers/core/v1/namespace"

	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// cached is one informer, that never runs: what its cache holds, and when its handlers hear of it, is the test's to say.
type cached struct {
	cache.SharedIndexInformer
	list     func() []runtime.Object
	handlers []cache.ResourceEventHandler
}

// AddEventHandler keeps the handler for deliver.
func (c *cached) AddEventHandler(h cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	c.handlers = append(c.handlers, h)
	return nil, nil
}

// AddIndexers adds those that no process before has: the cache outlives it.
func (c *cached) AddIndexers(indexers cache.Indexers) error {
	there := c.GetIndexer().GetIndexers()
	indexers = maps.Clone(indexers)
	maps.DeleteFunc(indexers, func(name string, _ cache.IndexFunc) bool { return there[name] != nil })
	return c.SharedIndexInformer.AddIndexers(indexers)
}

// forget empties the cache, and drops the handlers of the process that ended.
func (c *cached) forget(t testing.TB) {
	t.Helper()
	c.handlers = nil
	if err := c.GetIndexer().Replace(nil, ""); err != nil {
		t.Fatal(err)
	}
}

type customRunInformer struct {
	tektonv1beta1.CustomRunInformer
	cached *cached
}

func (i customRunInformer) Informer() cache.SharedIndexInformer { return i.cached }

type taskRunInformer struct {
	tektonv1.TaskRunInformer
	cached *cached
}

func (i taskRunInformer) Informer() cache.SharedIndexInformer { return i.cached }

// openCaches puts informers of its own before those that Knative put into the context.
func (w *World) openCaches() {
	runs, tasks := customruns.Get(w.ctx), taskruns.Get(w.ctx, selector)
	w.caches = []*cached{
		{SharedIndexInformer: runs.Informer(), list: w.lister(w.tekton, v1beta1.SchemeGroupVersion.WithResource("customruns"), "CustomRun")},
		{SharedIndexInformer: tasks.Informer(), list: w.managed(w.lister(w.tekton, pipelinev1.SchemeGroupVersion.WithResource("taskruns"), "TaskRun"))},
		{SharedIndexInformer: namespaces.Get(w.ctx).Informer(), list: w.lister(w.kube, corev1.SchemeGroupVersion.WithResource("namespaces"), "Namespace")},
		{SharedIndexInformer: policies.Get(w.ctx).Informer(), list: w.lister(w.kube, admission.WithResource("validatingadmissionpolicies"), "ValidatingAdmissionPolicy")},
		{SharedIndexInformer: bindings.Get(w.ctx).Informer(), list: w.lister(w.kube, admission.WithResource("validatingadmissionpolicybindings"), "ValidatingAdmissionPolicyBinding")},
	}
	w.ctx = context.WithValue(w.ctx, customruns.Key{}, customRunInformer{runs, w.caches[0]})
	w.ctx = context.WithValue(w.ctx, taskruns.Key{Selector: selector}, taskRunInformer{tasks, w.caches[1]})
}

// Refresh makes the caches what the API server has, and tells the controller what changed. Like an informer that had to list
// anew it tells of the last change alone where there were several.
func (w *World) Refresh() {
	w.t.Helper()
	for _, c := range w.caches {
		w.refresh(c)
	}
}

// RefreshCustomRuns makes the cache of CustomRuns alone what the API server has.
func (w *World) RefreshCustomRuns() {
	w.t.Helper()
	w.refresh(w.caches[0])
}

// RefreshTaskRuns makes the cache of TaskRuns alone what the API server has.
func (w *World) RefreshTaskRuns() {
	w.t.Helper()
	w.refresh(w.caches[1])
}

func (w *World) refresh(c *cached) {
	w.t.Helper()
	before := map[string]any{}
	for _, item := range c.GetIndexer().List() {
		before[keyOf(item)] = item
	}
	var items []any
	for _, object := range c.list() {
		slim, err := customrun.Slim(object.DeepCopyObject())
		if err != nil {
			w.t.Fatal(err)
		}
		items = append(items, slim)
	}
	if err := c.GetIndexer().Replace(items, ""); err != nil {
		w.t.Fatal(err)
	}
	for _, h := range c.handlers {
		deliver(h, before, items)
	}
}

func deliver(h cache.ResourceEventHandler, before map[string]any, items []any) {
	gone := maps.Clone(before)
	for _, item := range items {
		old, known := before[keyOf(item)]
		delete(gone, keyOf(item))
		switch {
		case !known:
			h.OnAdd(item, false)
		case metadata(old).GetResourceVersion() != metadata(item).GetResourceVersion():
			h.OnUpdate(old, item)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(gone)) {
		h.OnDelete(gone[key])
	}
}

// Queued returns what the controller was told to look at, and forgets it.
func (w *World) Queued() (keys []types.NamespacedName) {
	last := types.NamespacedName{Name: "the last one"}
	w.impl.EnqueueKey(last)
	for {
		item, stopped := w.impl.WorkQueue().Get()
		if stopped {
			return keys
		}
		w.impl.WorkQueue().Done(item)
		if item == any(last) {
			return keys
		}
		// Knative's queue may hand out twice what was added twice.
		if key := item.(types.NamespacedName); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
}

func keyOf(item any) string { return metadata(item).GetNamespace() + "/" + metadata(item).GetName() }
