package pushimage

import (
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

func cancelRun(w *reconcilertest.World, why v1beta1.CustomRunSpecStatusMessage) {
	r := w.CustomRun(ns, run)
	r.Spec.Status, r.Spec.StatusMessage = v1beta1.CustomRunSpecStatusCancelled, why
	r.Generation++
	w.Update(r)
}

// The controller was away while the PipelineRun ended.
func TestOwnerHasEnded(t *testing.T) {
	w := newWorld(t, with(func(o runtime.Object) {
		if pr, ok := o.(*pipelinev1.PipelineRun); ok {
			pr.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionFalse, Reason: "PipelineRunTimeout"})
		}
	})...)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, "CustomRunCancelled", reconcilertest.Pipeline)
}

// A TaskRun that runs is timed by Tekton, attempt by attempt; no timeout is the cluster's default and never ours.
func TestTimeoutOfARunningTaskRunIsTektons(t *testing.T) {
	for name, timeout := range map[string]*metav1.Duration{"a minute": {Duration: time.Minute}, "none": {Duration: 0}, "the default": nil} {
		w := started(t, withRun(func(r *v1beta1.CustomRun) { r.Spec.Timeout = timeout })...)
		task := w.TaskRun(ns, run)
		if timeout == nil && task.Spec.Timeout != nil {
			t.Errorf("%s: TaskRun timeout %s", name, task.Spec.Timeout.Duration)
		}
		task.Status.StartTime = &metav1.Time{Time: w.Clock.Now()}
		w.Update(task)
		w.Clock.SetTime(w.Clock.Now().Add(100 * time.Hour))
		reconcile(t, w)
		if c := condition(w); c.Status != corev1.ConditionUnknown {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// The leader died after the create, and the cache lags behind it: the TaskRun that no status names is stopped all the same, and
// the run ends when that has.
func TestCancelledBeforeTheTaskRunWasRecorded(t *testing.T) {
	w := newWorld(t, payments()...)
	w.Faults.After = func(a reconcilertest.Action) error {
		if a == "create taskruns" {
			return apierrs.NewTimeoutError("the webhook took too long", 0)
		}
		return nil
	}
	if err := w.Reconcile(ns, run); err == nil {
		t.Fatal("the lost answer was not noticed")
	}
	cancelRun(w, "")
	w.RefreshCustomRuns()
	if again, _ := controller.IsRequeueKey(w.ReconcileStale(ns, run)); !again || !w.TaskRun(ns, run).IsCancelled() || condition(w).Reason != "" {
		t.Errorf("again %v, TaskRun %+v, condition %+v", again, w.TaskRun(ns, run).Spec, condition(w))
	}
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionFalse, "TaskRunCancelled", "cancelled"))
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, "CustomRunCancelled")
}

// The cache lags behind: the TaskRun has started.
func TestTimeoutIsConfirmedLive(t *testing.T) {
	w := started(t, withRun(func(r *v1beta1.CustomRun) { r.Spec.Timeout = &metav1.Duration{Duration: time.Minute} })...)
	w.Refresh()
	task := w.TaskRun(ns, run)
	task.Status.StartTime = &metav1.Time{Time: w.Clock.Now()}
	w.Update(task)
	w.Clock.SetTime(w.Clock.Now().Add(time.Hour))
	if again, wait := controller.IsRequeueKey(w.ReconcileStale(ns, run)); !again || wait != time.Second || w.TaskRun(ns, run).IsCancelled() {
		t.Errorf("again %v after %s, condition %+v", again, wait, condition(w))
	}
}
