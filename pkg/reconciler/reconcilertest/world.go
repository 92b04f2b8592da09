// Package reconcilertest drives a reconciler, through the code that Tekton generates for it, against an API server that is
// only an object store: with resourceVersions and UIDs, with caches that are as old as a test wants, and with failures.
package reconcilertest

import (
	"context"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	faketekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned/fake"
	faketektonclient "github.com/tektoncd/pipeline/pkg/client/injection/client/fake"
	filtered "github.com/tektoncd/pipeline/pkg/client/injection/informers/factory/filtered"
	_ "github.com/tektoncd/pipeline/pkg/client/injection/informers/factory/filtered/fake"
	taskruns "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1/taskrun/filtered"
	_ "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1/taskrun/filtered/fake"
	customruns "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1beta1/customrun"
	_ "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1beta1/customrun/fake"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	fakedynamic "k8s.io/client-go/dynamic/fake"
	fakekube "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	fakekubeclient "knative.dev/pkg/client/injection/kube/client/fake"
	policies "knative.dev/pkg/client/injection/kube/informers/admissionregistration/v1/validatingadmissionpolicy"
	_ "knative.dev/pkg/client/injection/kube/informers/admissionregistration/v1/validatingadmissionpolicy/fake"
	bindings "knative.dev/pkg/client/injection/kube/informers/admissionregistration/v1/validatingadmissionpolicybinding"
	_ "knative.dev/pkg/client/injection/kube/informers/admissionregistration/v1/validatingadmissionpolicybinding/fake"
	namespaces "knative.dev/pkg/client/injection/kube/informers/core/v1/namespace"
	_ "knative.dev/pkg/client/injection/kube/informers/core/v1/namespace/fake"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"
	fakedynamicclient "knative.dev/pkg/injection/clients/dynamicclient/fake"
	"knative.dev/pkg/reconciler"
	knativetesting "knative.dev/pkg/reconciler/testing"
	_ "knative.dev/pkg/system/testing" // Names the system namespace.

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// selector is what the controllers cache TaskRuns by.
const selector = v1alpha1.LabelManaged + "=true"

// World is the API server and one replica of the controller.
type World struct {
	Kube    *fakekube.Clientset
	Tekton  *faketekton.Clientset
	Dynamic *fakedynamic.FakeDynamicClient
	// Clock is what the controller takes for the time.
	Clock *clocktesting.FakePassiveClock
	// Faults is asked before and after every request.
	Faults Faults

	t       testing.TB
	ctx     context.Context
	impl    *controller.Impl
	caches  []cached
	events  *record.FakeRecorder
	actions []Action
	version int
}

// Constructor makes a controller that takes its time from a clock.
type Constructor func(clock.PassiveClock) injection.ControllerConstructor

// New returns a World with the objects in it, in which the replica leads. settings are keys of ConfigMap config-tenancy.
func New(t testing.TB, constructor Constructor, settings map[string]string, objects ...runtime.Object) *World {
	t.Helper()
	w := &World{t: t, Clock: clocktesting.NewFakePassiveClock(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)), events: record.NewFakeRecorder(10_000)}
	w.ctx, _ = knativetesting.SetupFakeContext(t,
		func(ctx context.Context) context.Context { return filtered.WithSelectors(ctx, selector) })
	w.ctx = controller.WithEventRecorder(w.ctx, w.events)
	w.ctx, w.Dynamic = fakedynamicclient.With(w.ctx, runtime.NewScheme())
	w.Kube, w.Tekton = fakekubeclient.Get(w.ctx), faketektonclient.Get(w.ctx)
	w.observe()
	w.impl = constructor(w.Clock)(w.ctx, configmap.NewStaticWatcher(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: config.Name, Namespace: "knative-testing"}, Data: settings}))
	w.caches = w.openCaches()
	w.Add(objects...)
	w.Refresh()
	if _, err := w.Promote(); err != nil {
		t.Fatal(err)
	}
	return w
}

// Promote makes the replica the leader, and returns what it looks at because of that.
func (w *World) Promote() (keys []types.NamespacedName, err error) {
	err = w.impl.Reconciler.(reconciler.LeaderAware).Promote(reconciler.UniversalBucket(), func(_ reconciler.Bucket, key types.NamespacedName) {
		keys = append(keys, key)
	})
	return keys, err
}

// Reconcile brings the caches up to date and has the controller look at one CustomRun.
func (w *World) Reconcile(namespace, name string) error {
	w.Refresh()
	return w.ReconcileStale(namespace, name)
}

// ReconcileStale does not bring the caches up to date.
func (w *World) ReconcileStale(namespace, name string) error {
	return w.impl.Reconciler.Reconcile(w.ctx, namespace+"/"+name)
}

// CustomRun returns the CustomRun as the API server has it.
func (w *World) CustomRun(namespace, name string) *v1beta1.CustomRun {
	w.t.Helper()
	object, err := w.Tekton.Tracker().Get(v1beta1.SchemeGroupVersion.WithResource("customruns"), namespace, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return object.(*v1beta1.CustomRun).DeepCopy()
}

// TaskRun returns the TaskRun as the API server has it; nil if there is none.
func (w *World) TaskRun(namespace, name string) *pipelinev1.TaskRun {
	object, err := w.Tekton.Tracker().Get(pipelinev1.SchemeGroupVersion.WithResource("taskruns"), namespace, name)
	if err != nil {
		return nil
	}
	return object.(*pipelinev1.TaskRun).DeepCopy()
}

// Secrets returns the Secrets of a namespace, as the API server has them.
func (w *World) Secrets(namespace string) (all []*corev1.Secret) {
	w.t.Helper()
	for _, object := range w.lister(w.Kube.Tracker(), corev1.SchemeGroupVersion.WithResource("secrets"), "Secret")() {
		if secret := object.(*corev1.Secret); secret.Namespace == namespace {
			all = append(all, secret.DeepCopy())
		}
	}
	return all
}

// DeleteSecret deletes as somebody else than the controller.
func (w *World) DeleteSecret(namespace, name string) {
	w.t.Helper()
	if err := w.Kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), namespace, name); err != nil {
		w.t.Fatal(err)
	}
}

// Events returns the Events since the last call.
func (w *World) Events() (all []string) {
	for {
		select {
		case e := <-w.events.Events:
			all = append(all, e)
		default:
			return all
		}
	}
}

// cached is one informer's store.
type cached struct {
	store cache.Indexer
	list  func() []runtime.Object
}

// Refresh makes the caches what the API server has.
func (w *World) Refresh() {
	w.t.Helper()
	for _, c := range w.caches {
		var items []any
		for _, object := range c.list() {
			slim, err := customrun.Slim(object.DeepCopyObject())
			if err != nil {
				w.t.Fatal(err)
			}
			items = append(items, slim)
		}
		if err := c.store.Replace(items, ""); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *World) openCaches() []cached {
	return []cached{
		{customruns.Get(w.ctx).Informer().GetIndexer(), w.lister(w.Tekton.Tracker(), v1beta1.SchemeGroupVersion.WithResource("customruns"), "CustomRun")},
		{taskruns.Get(w.ctx, selector).Informer().GetIndexer(), w.managed(w.lister(w.Tekton.Tracker(), pipelinev1.SchemeGroupVersion.WithResource("taskruns"), "TaskRun"))},
		{namespaces.Get(w.ctx).Informer().GetIndexer(), w.lister(w.Kube.Tracker(), corev1.SchemeGroupVersion.WithResource("namespaces"), "Namespace")},
		{policies.Get(w.ctx).Informer().GetIndexer(), w.lister(w.Kube.Tracker(), admission.WithResource("validatingadmissionpolicies"), "ValidatingAdmissionPolicy")},
		{bindings.Get(w.ctx).Informer().GetIndexer(), w.lister(w.Kube.Tracker(), admission.WithResource("validatingadmissionpolicybindings"), "ValidatingAdmissionPolicyBinding")},
	}
}

// RefreshTaskRuns makes the cache of TaskRuns alone what the API server has.
func (w *World) RefreshTaskRuns() {
	w.t.Helper()
	all := w.caches
	w.caches = all[1:2]
	w.Refresh()
	w.caches = all
}
