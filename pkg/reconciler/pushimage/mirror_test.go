package pushimage

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

func TestSuccessHandsResultsOnWithTrue(t *testing.T) {
	w := started(t, payments()...)
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionTrue, "Succeeded", "All Steps have completed executing"))
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded", "tkn taskrun logs")
	var want []v1beta1.CustomRunResult
	for _, name := range v1alpha1.Results {
		want = append(want, v1beta1.CustomRunResult{Name: name, Value: "value of " + name})
	}
	if diff := cmp.Diff(want, w.CustomRun(ns, run).Status.Results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if actions := w.Actions(); len(actions) != 1 || actions[0] != "update customruns/status" {
		t.Errorf("results and True took %v, want one write", actions)
	}
}

// A whole push costs what DESIGN §5 allows, however often Tekton writes the TaskRun's status.
func TestBudget(t *testing.T) {
	w := newWorld(t, payments()...)
	reconciles := 0
	look := func() {
		reconciles++
		reconcile(t, w)
	}
	look() // The CustomRun was created.
	look() // Its status was written.
	task := w.TaskRun(ns, run)
	handler := childEvents(func(any) { look() }, func(bool) {})
	// Tekton writes a TaskRun's status about eleven times (tektoncd/pipeline#10322).
	for range 10 {
		before := task.DeepCopy()
		task.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionUnknown, Reason: "Running"})
		w.Update(task)
		handler.OnUpdate(before, task)
	}
	done := reconcilertest.Finish(task, corev1.ConditionTrue, "Succeeded", "")
	w.Update(done)
	handler.OnUpdate(task, done)
	look() // The end was written.
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
	actions := w.Actions()
	writes, reads := countOf(actions, "create", "update", "patch", "delete"), countOf(actions, "get", "list", "watch")
	t.Logf("%d writes, %d reads, %d reconciles: %v", writes, reads, reconciles, actions)
	if writes > 3 || reads > 3 || reconciles > 6 {
		t.Errorf("want at most 3 writes, 3 reads and 6 reconciles")
	}
}

func TestSuccessWithoutAllResultsIsNone(t *testing.T) {
	w := started(t, payments()...)
	task := reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionTrue, "Succeeded", "")
	task.Status.Results = task.Status.Results[1:]
	w.Update(task)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonResultsMissing, "IMAGE_URL")
}

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

func TestLongMessageIsCut(t *testing.T) {
	w := started(t, payments()...)
	long := make([]rune, 5000)
	for i := range long {
		long[i] = 'ä'
	}
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionFalse, "Failed", string(long)))
	reconcile(t, w)
	if m := condition(w).Message; len(m) > 2048 || m[len(m)-len("…"):] != "…" {
		t.Errorf("message has %d bytes, ends in %q", len(m), m[len(m)-6:])
	}
}

// Retries are the TaskRun's: between them the CustomRun goes on.
func TestRetriesStayUnknown(t *testing.T) {
	w := started(t, withRun(func(r *v1beta1.CustomRun) { r.Spec.Retries = 1 })...)
	task := w.TaskRun(ns, run)
	failed := pipelinev1.TaskRunStatus{Status: duckv1.Status{Conditions: duckv1.Conditions{{Type: apis.ConditionSucceeded, Status: corev1.ConditionFalse, Reason: "Failed"}}}}
	task.Status.RetriesStatus = []pipelinev1.TaskRunStatus{failed}
	task.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionUnknown, Reason: "ToBeRetried"})
	w.Update(task)
	reconcile(t, w)
	if c := condition(w); c.Status != corev1.ConditionUnknown {
		t.Errorf("between two attempts: %+v", c)
	}
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionTrue, "Succeeded", ""))
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
	if got := w.CustomRun(ns, run).Status.RetriesStatus; len(got) != 1 || got[0].Conditions[0].Reason != "Failed" {
		t.Errorf("retriesStatus %+v", got)
	}
}

// Trap D: Tekton can bring an evicted TaskRun back, and False is for ever.
func TestEvictedIsConfirmedLive(t *testing.T) {
	w := started(t, payments()...)
	task := w.TaskRun(ns, run)
	w.Update(reconcilertest.Finish(task, corev1.ConditionFalse, "PodEvicted", "the node was low on memory"))
	w.Refresh()
	back := w.TaskRun(ns, run)
	back.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionUnknown, Reason: "Running"})
	w.Update(back)
	if err := w.ReconcileStale(ns, run); err != nil {
		t.Fatal(err)
	}
	if c := condition(w); c.Status != corev1.ConditionUnknown {
		t.Errorf("a TaskRun that goes on: %+v", c)
	}
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionFalse, "PodEvicted", "the node was low on memory"))
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, "PodEvicted", "low on memory")
}

func TestDeletedTaskRunIsNotPushedTwice(t *testing.T) {
	w := started(t, payments()...)
	w.DeleteTaskRun(ns, run)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonTaskRunDeleted, "deleted")
	if n := countOf(w.Actions(), "create"); n != 0 {
		t.Errorf("%d objects were created", n)
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
			task.OwnerReferences = newTaskRunOwner()
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

// What a failed TaskRun left is there for a finally task to read.
func TestResultsOfAFailedTaskRun(t *testing.T) {
	w := started(t, payments()...)
	task := reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionFalse, "Failed", "the step failed")
	task.Status.Results = []pipelinev1.TaskRunResult{{Name: "IMAGE_URL", Type: pipelinev1.ResultsTypeString, Value: *pipelinev1.NewStructuredValues("half")}}
	w.Update(task)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, "Failed")
	if got := w.CustomRun(ns, run).Status.Results; len(got) != 1 || got[0].Value != "half" {
		t.Errorf("results %v", got)
	}
}
