// Package reconcilertest drives a reconciler, through the code that Tekton generates for it, against an API server that is
// only an object store: with resourceVersions and UIDs, with caches that are as old as a test wants, and with failures.
package reconcilertest

import (
	"context"
	"maps"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	faketekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned/fake"
	faketektonclient "github.com/tektoncd/pipeline/pkg/client/injection/client/fake"
	filtered "github.com/tektoncd/pipeline/pkg/client/injection/informers/factory/filtered"
	_ "github.com/tektoncd/pipeline/pkg/client/injection/informers/factory/filtered/fake"
	_ "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1/taskrun/filtered/fake"
	_ "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1beta1/customrun/fake"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	fakedynamic "k8s.io/client-go/dynamic/fake"
	fakekube "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	fakekubeclient "knative.dev/pkg/client/injection/kube/client/fake"
	_ "knative.dev/pkg/client/injection/kube/informers/admissionregistration/v1/validatingadmissionpolicy/fake"
	_ "knative.dev/pkg/client/injection/kube/informers/admissionregistration/v1/validatingadmissionpolicybinding/fake"
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
)

// selector is what the controllers cache TaskRuns by.
const selector = v1alpha1.LabelManaged + "=true"

// World is the API server and one replica of the controller.
type World struct {
	*server
	// Kube, Tekton and Dynamic are the clients of this replica.
	Kube    *fakekube.Clientset
	Tekton  *faketekton.Clientset
	Dynamic *fakedynamic.FakeDynamicClient
	// Faults is asked before and after every request of this replica.
	Faults Faults

	ctx         context.Context
	constructor Constructor
	settings    map[string]string
	impl        *controller.Impl
	caches      []*cached
	actions     []Action
}

// server is what all replicas share.
type server struct {
	// Clock is what the controllers take for the time.
	Clock *clocktesting.FakePassiveClock
	// Tektons, if it is not nil, has Tekton's webhook fill in new TaskRuns, with the configuration that it carries.
	Tektons context.Context

	// Tokens makes a token of a ServiceAccount, by its user name, when one is asked for.
	Tokens func(subject string, audiences []string, lifetime time.Duration) string

	t            testing.TB
	kube, tekton clienttesting.ObjectTracker
	events       *record.FakeRecorder
	version      int
}

// Constructor makes a controller that takes its time from a clock.
type Constructor func(clock.PassiveClock) injection.ControllerConstructor

// New returns a World with the objects in it, in which the replica leads. settings are keys of ConfigMap config-tenancy.
func New(t testing.TB, constructor Constructor, settings map[string]string, objects ...runtime.Object) *World {
	t.Helper()
	w := &World{constructor: constructor, settings: settings, server: &server{t: t, events: record.NewFakeRecorder(10_000),
		Clock: clocktesting.NewFakePassiveClock(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))}}
	w.connect()
	w.Add(objects...)
	w.start()
	return w
}

// Replica returns another replica of the controller, that leads too: on the same API server, with caches and Faults of its own.
func (w *World) Replica() *World {
	w.t.Helper()
	r := &World{constructor: w.constructor, settings: w.settings, server: w.server}
	r.connect()
	r.start()
	return r
}

// Restart is the end of the replica's process, whatever it was doing, and the start of another that leads at once: nothing is
// left of the first but what the API server has.
func (w *World) Restart() {
	w.t.Helper()
	w.impl.WorkQueue().ShutDown()
	w.start()
}

// connect gives the replica its clients and informers. The first one's objects are everybody's.
func (w *World) connect() {
	w.ctx, _ = knativetesting.SetupFakeContext(w.t,
		func(ctx context.Context) context.Context { return filtered.WithSelectors(ctx, selector) })
	w.ctx = controller.WithEventRecorder(w.ctx, w.events)
	w.ctx, w.Dynamic = fakedynamicclient.With(w.ctx, runtime.NewScheme())
	w.Kube, w.Tekton = fakekubeclient.Get(w.ctx), faketektonclient.Get(w.ctx)
	if w.kube == nil {
		w.kube, w.tekton = w.Kube.Tracker(), w.Tekton.Tracker()
	}
	w.observe()
	w.openCaches()
}

// start runs the controller: it lists, leads, and looks at what there is.
func (w *World) start() {
	w.t.Helper()
	for _, c := range w.caches {
		c.forget(w.t)
	}
	w.impl = w.constructor(w.Clock)(w.ctx, configmap.NewStaticWatcher(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: config.Name, Namespace: "knative-testing"}, Data: withRegistry(w.settings)}))
	w.Refresh()
	keys, err := w.Promote()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, key := range keys {
		w.impl.EnqueueKey(key)
	}
}

// Version counts up with every change of an object.
func (w *World) Version() int { return w.version }

// Promote makes the replica the leader, and returns what it looks at because of that.
func (w *World) Promote() (keys []types.NamespacedName, err error) {
	err = w.impl.Reconciler.(reconciler.LeaderAware).Promote(reconciler.UniversalBucket(), func(_ reconciler.Bucket, key types.NamespacedName) {
		keys = append(keys, key)
	})
	return keys, err
}

// Demote makes the replica lead nothing.
func (w *World) Demote() {
	w.impl.Reconciler.(reconciler.LeaderAware).Demote(reconciler.UniversalBucket())
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
	object, err := w.tekton.Get(v1beta1.SchemeGroupVersion.WithResource("customruns"), namespace, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return object.(*v1beta1.CustomRun).DeepCopy()
}

// TaskRun returns the TaskRun as the API server has it; nil if there is none.
func (w *World) TaskRun(namespace, name string) *pipelinev1.TaskRun {
	object, err := w.tekton.Get(pipelinev1.SchemeGroupVersion.WithResource("taskruns"), namespace, name)
	if err != nil {
		return nil
	}
	return object.(*pipelinev1.TaskRun).DeepCopy()
}

// TaskRuns returns the TaskRuns of a namespace, as the API server has them.
func (w *World) TaskRuns(namespace string) (all []*pipelinev1.TaskRun) {
	w.t.Helper()
	for _, object := range w.lister(w.tekton, pipelinev1.SchemeGroupVersion.WithResource("taskruns"), "TaskRun")() {
		if task := object.(*pipelinev1.TaskRun); task.Namespace == namespace {
			all = append(all, task.DeepCopy())
		}
	}
	return all
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

// withRegistry adds the one setting that has no default.
func withRegistry(settings map[string]string) map[string]string {
	all := map[string]string{"registry": Host}
	maps.Copy(all, settings)
	return all
}
