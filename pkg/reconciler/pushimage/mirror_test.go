package pushimage

import (
	"testing"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

func TestFailureKeepsReasonAndMessage(t *testing.T) {
	for reason, want := range map[string]string{
		"Failed":                 "Failed",
		"TaskRunTimeout":         "CustomRunTimedOut",
		"TaskRunImagePullFailed": "TaskRunImagePullFailed",
		"TaskRunCancelled":       "TaskRunCancelled",
	} {
		w := started(t, payments()...)
		w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionFalse, reason, "server said 100% sure %s %d"))
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionFalse, want, "server said 100% sure %s %d")
	}
}

// Somebody takes the label off, and the cache loses sight of the TaskRun.
func TestTaskRunWithoutItsLabelIsFound(t *testing.T) {
	w := started(t, payments()...)
	task := w.TaskRun(ns, run)
	delete(task.Labels, v1alpha1.LabelManaged)
	w.Update(task)
	if again, wait := controller.IsRequeueKey(w.Reconcile(ns, run)); !again || wait != unseen {
		t.Errorf("again %v after %s: no event will tell of its end", again, wait)
	}
	if c := condition(w); c.Status != corev1.ConditionUnknown {
		t.Errorf("while it runs: %+v", c)
	}
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionTrue, "Succeeded", ""))
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
}

func TestForeignTaskRunIsNotAdopted(t *testing.T) {
	for name, owner := range map[string]func(*pipelinev1.TaskRun){
		"nobody's":             func(*pipelinev1.TaskRun) {},
		"with our name for it": func(task *pipelinev1.TaskRun) { task.Labels = map[string]string{v1alpha1.LabelManaged: "true"} },
		"with a forged owner": func(task *pipelinev1.TaskRun) {
			task.OwnerReferences = []metav1.OwnerReference{{APIVersion: "tekton.dev/v1beta1", Kind: "CustomRun", Name: run, UID: "known", Controller: new(true)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			foreign := &pipelinev1.TaskRun{}
			foreign.Name, foreign.Namespace = run, ns
			owner(foreign)
			w := newWorld(t, append(withRun(func(r *v1beta1.CustomRun) { r.UID = "known" }), runtime.Object(foreign))...)
			reconcile(t, w)
			wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonTaskRunNameConflict, run)
		})
	}
}

// An informer that had to list anew tells of an eviction, and then of the end: what was between them it did not see.
func TestEndAfterAnEvictionIsHeardOf(t *testing.T) {
	w := started(t, payments()...)
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionFalse, podEvicted, "the node was low on memory"))
	w.Refresh()
	w.Queued()
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionTrue, "Succeeded", ""))
	w.Refresh()
	if len(w.Queued()) != 1 {
		t.Error("nobody looks at the end")
	}
}

// Tekton brings an evicted TaskRun back after its CustomRun has failed.
func TestTaskRunOfAnEndedRunIsStopped(t *testing.T) {
	w := started(t, payments()...)
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionFalse, podEvicted, "the node was low on memory"))
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, podEvicted)
	back := w.TaskRun(ns, run)
	back.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionUnknown, Reason: "Running"})
	w.Update(back)
	w.Queued()
	w.Refresh()
	if len(w.Queued()) != 1 {
		t.Error("nobody looks at it")
	}
	reconcile(t, w)
	if !w.TaskRun(ns, run).IsCancelled() {
		t.Error("it goes on")
	}
	wantEnd(t, w, corev1.ConditionFalse, podEvicted)
}

// A leader that was none any more, and looked before the TaskRun was deleted, makes another. That one is stopped before the run ends.
func TestSecondTaskRunIsStopped(t *testing.T) {
	w := started(t, payments()...)
	second := w.TaskRun(ns, run)
	w.DeleteTaskRun(ns, run)
	second.UID = "another"
	delete(second.Labels, v1alpha1.LabelManaged) // No event will tell of it.
	w.Add(second)
	reconcile(t, w)
	if !w.TaskRun(ns, run).IsCancelled() || w.CustomRun(ns, run).Status.CompletionTime != nil {
		t.Error("the run ended while a TaskRun of it goes on")
	}
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionFalse, "TaskRunCancelled", "cancelled"))
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonTaskRunDeleted)
}
