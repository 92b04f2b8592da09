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

func TestCancelStopsTheTaskRunFirst(t *testing.T) {
	for _, why := range []v1beta1.CustomRunSpecStatusMessage{v1beta1.CustomRunCancelledByPipelineMsg, v1beta1.CustomRunCancelledByPipelineTimeoutMsg} {
		w := started(t, payments()...)
		cancelRun(w, why)
		reconcile(t, w)
		reconcile(t, w)
		task := w.TaskRun(ns, run)
		if task.Spec.Status != pipelinev1.TaskRunSpecStatusCancelled || string(task.Spec.StatusMessage) != string(why) {
			t.Errorf("TaskRun spec.status %q, %q", task.Spec.Status, task.Spec.StatusMessage)
		}
		if patches := countOf(w.Actions(), "patch"); patches != 1 {
			t.Errorf("%d patches, want one", patches)
		}
		if c := condition(w); c.Status != corev1.ConditionUnknown {
			t.Errorf("before the TaskRun has ended: %+v", c)
		}
		w.Update(reconcilertest.Finish(task, corev1.ConditionFalse, "TaskRunCancelled", "cancelled"))
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionFalse, "CustomRunCancelled", string(why))
	}
}

func TestCancelledBeforeStart(t *testing.T) {
	w := newWorld(t, withRun(func(r *v1beta1.CustomRun) { r.Spec.Status = v1beta1.CustomRunSpecStatusCancelled })...)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, "CustomRunCancelled")
	if w.TaskRun(ns, run) != nil {
		t.Error("a TaskRun was made")
	}
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

func TestCancelThatCameTooLateReportsSuccess(t *testing.T) {
	w := started(t, payments()...)
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionTrue, "Succeeded", ""))
	cancelRun(w, "")
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
}

// The TaskRun ends between the look at it and the patch: Tekton's webhook refuses the patch.
func TestCancelRaced(t *testing.T) {
	w := started(t, payments()...)
	cancelRun(w, "")
	w.Faults.Before = func(a reconcilertest.Action) error {
		if a == "patch taskruns" {
			w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionTrue, "Succeeded", ""))
			return apierrs.NewBadRequest("the spec is immutable")
		}
		return nil
	}
	if again, _ := controller.IsRequeueKey(w.Reconcile(ns, run)); !again {
		t.Error("the raced patch is not looked at again")
	}
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
}

func TestCancelWhenTheTaskRunIsGone(t *testing.T) {
	w := started(t, payments()...)
	cancelRun(w, "")
	w.DeleteTaskRun(ns, run)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, "CustomRunCancelled")
}

// Tekton's controller is away: nobody else would end the run.
func TestTimeoutOfATaskRunThatNeverStarts(t *testing.T) {
	w := newWorld(t, withRun(func(r *v1beta1.CustomRun) { r.Spec.Timeout = &metav1.Duration{Duration: time.Minute} })...)
	if again, wait := controller.IsRequeueKey(w.Reconcile(ns, run)); !again || wait != time.Minute {
		t.Errorf("again %v after %s, want a minute", again, wait)
	}
	w.Clock.SetTime(w.Clock.Now().Add(40 * time.Second))
	if again, wait := controller.IsRequeueKey(w.Reconcile(ns, run)); !again || wait != 20*time.Second {
		t.Errorf("again %v after %s, want what is left, 20s", again, wait)
	}
	w.Clock.SetTime(w.Clock.Now().Add(20 * time.Second))
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, "CustomRunTimedOut", "did not start")
	if !w.TaskRun(ns, run).IsCancelled() {
		t.Error("the TaskRun would start once Tekton is back")
	}
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

// The clock of this node is behind that of the API server.
func TestStartIsNotBeforeCreation(t *testing.T) {
	w := newWorld(t, payments()...)
	w.Clock.SetTime(w.Clock.Now().Add(-time.Hour))
	reconcile(t, w)
	if got := w.CustomRun(ns, run); got.Status.StartTime.Before(&got.CreationTimestamp) {
		t.Errorf("started %s, created %s", got.Status.StartTime, got.CreationTimestamp)
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

// Tekton clears a TaskRun's start between two attempts: the time that the first one took is not the second one's.
func TestTimeoutBetweenTwoAttempts(t *testing.T) {
	w := started(t, withRun(func(r *v1beta1.CustomRun) {
		r.Spec.Timeout, r.Spec.Retries = &metav1.Duration{Duration: time.Minute}, 1
	})...)
	w.Clock.SetTime(w.Clock.Now().Add(2 * time.Minute))
	task := w.TaskRun(ns, run)
	task.Status.RetriesStatus = make([]pipelinev1.TaskRunStatus, 1)
	task.Status.RetriesStatus[0].CompletionTime = &metav1.Time{Time: w.Clock.Now()}
	w.Update(task)
	if again, wait := controller.IsRequeueKey(w.Reconcile(ns, run)); !again || wait != time.Minute || w.TaskRun(ns, run).IsCancelled() {
		t.Errorf("again %v after %s, want a minute for the second attempt; condition %+v", again, wait, condition(w))
	}
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
