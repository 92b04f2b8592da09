package pushimage

import (
	"strings"
	"testing"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// The scene's names, short.
const (
	ns  = reconcilertest.Namespace
	run = reconcilertest.Run
)

func payments() []runtime.Object { return reconcilertest.Payments(v1alpha1.KindPushImage) }

// with returns the scene after edit looked at each of its objects.
func with(edit func(object runtime.Object)) []runtime.Object {
	objects := payments()
	for _, o := range objects {
		edit(o)
	}
	return objects
}

// withRun returns the scene with the CustomRun edited.
func withRun(edit func(*v1beta1.CustomRun)) []runtime.Object {
	return with(func(o runtime.Object) {
		if r, ok := o.(*v1beta1.CustomRun); ok {
			edit(r)
		}
	})
}

func newWorld(t *testing.T, objects ...runtime.Object) *reconcilertest.World {
	return reconcilertest.New(t, NewController, nil, objects...)
}

// reconcile reconciles the scene's CustomRun; an error but a request to come back fails the test.
func reconcile(t *testing.T, w *reconcilertest.World) {
	t.Helper()
	if err := w.Reconcile(ns, run); err != nil {
		if again, _ := controller.IsRequeueKey(err); !again {
			t.Fatalf("reconciling: %v", err)
		}
	}
}

// started returns a world in which the TaskRun was made and recorded.
func started(t *testing.T, objects ...runtime.Object) *reconcilertest.World {
	t.Helper()
	w := newWorld(t, objects...)
	reconcile(t, w)
	if w.TaskRun(ns, run) == nil {
		t.Fatalf("no TaskRun was made: %+v", w.CustomRun(ns, run).Status)
	}
	w.Actions()
	return w
}

func condition(w *reconcilertest.World) apis.Condition {
	got := w.CustomRun(ns, run).Status
	if c := got.GetCondition(apis.ConditionSucceeded); c != nil {
		return *c
	}
	return apis.Condition{Status: corev1.ConditionUnknown}
}

// wantEnd checks how the run ended.
func wantEnd(t *testing.T, w *reconcilertest.World, status corev1.ConditionStatus, reason string, says ...string) {
	t.Helper()
	c := condition(w)
	if c.Status != status || c.Reason != reason {
		t.Errorf("Succeeded=%s, %s: %s; want %s, %s", c.Status, c.Reason, c.Message, status, reason)
	}
	for _, part := range says {
		if !strings.Contains(c.Message, part) {
			t.Errorf("message %q does not say %q", c.Message, part)
		}
	}
	if got := w.CustomRun(ns, run).Status; got.CompletionTime == nil || got.StartTime == nil || len(got.Conditions) != 1 {
		t.Errorf("status %+v, want a start, an end and one condition", got)
	}
}

func countOf(actions []reconcilertest.Action, verbs ...string) (n int) {
	for _, a := range actions {
		for _, verb := range verbs {
			if strings.HasPrefix(string(a), verb+" ") {
				n++
			}
		}
	}
	return n
}
