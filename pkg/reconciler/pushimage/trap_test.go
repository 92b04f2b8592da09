package pushimage

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

func newTaskRunOwner() []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: "tekton.dev/v1beta1", Kind: "CustomRun", Name: run, UID: "known", Controller: new(true)}}
}

// Trap A: a graceful cancel patches the spec of finished CustomRuns, too, and Knative calls one Unknown whose generation moved.
func TestFinishedRunStaysFinished(t *testing.T) {
	for name, status := range map[string]corev1.ConditionStatus{"True": corev1.ConditionTrue, "False": corev1.ConditionFalse} {
		t.Run(name, func(t *testing.T) {
			w := started(t, payments()...)
			w.Update(reconcilertest.Finish(w.TaskRun(ns, run), status, "Because", "it ended"))
			reconcile(t, w)
			before := w.CustomRun(ns, run).Status
			patched := w.CustomRun(ns, run)
			patched.Spec.Status, patched.Generation = v1beta1.CustomRunSpecStatusCancelled, 2
			w.Update(patched)
			w.Actions()
			reconcile(t, w)
			if diff := cmp.Diff(before, w.CustomRun(ns, run).Status); diff != "" {
				t.Errorf("the end was rewritten (-before +after):\n%s", diff)
			}
			if actions := w.Actions(); len(actions) > 0 {
				t.Errorf("a finished run costs %v", actions)
			}
		})
	}
}

// Trap B: a new leader gets only its own kind to look at, and would not write to another's.
func TestForeignCustomRunsAreLeftAlone(t *testing.T) {
	foreign := reconcilertest.NewCustomRun(ns, reconcilertest.Pipeline, "foreign", "Approval")
	foreign.Spec.CustomRef.APIVersion = "example.dev/v1"
	sibling := reconcilertest.NewCustomRun(ns, reconcilertest.Pipeline, "sibling", v1alpha1.KindResolveTenant)
	w := newWorld(t, append(payments(), runtime.Object(foreign), sibling)...)
	keys, err := w.Promote()
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) != 1 || keys[0].Name != run {
		t.Errorf("a new leader looks at %v", keys)
	}
	for _, name := range []string{"foreign", "sibling"} {
		if err := w.Reconcile(ns, name); err != nil {
			t.Fatal(err)
		}
	}
	if actions := w.Actions(); len(actions) > 0 {
		t.Errorf("foreign CustomRuns cost %v", actions)
	}
}

// Trap C: two leaders, one with a stale cache. The older picture never wins.
func TestStaleLeaderDoesNotOverwrite(t *testing.T) {
	w := started(t, payments()...)
	w.Refresh()
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionTrue, "Succeeded", ""))
	ended := w.CustomRun(ns, run)
	ended.Status.MarkCustomRunFailed("Other", "the other leader was faster")
	w.Update(ended)
	// The TaskRun's event came, the CustomRun's did not.
	w.RefreshTaskRuns()
	if err := w.ReconcileStale(ns, run); !apierrs.IsConflict(errors.Unwrap(err)) && !apierrs.IsConflict(err) {
		t.Errorf("reconciling = %v, want the conflict", err)
	}
	wantEnd(t, w, corev1.ConditionFalse, "Other")
}

// The cache has not seen the status yet that names the TaskRun: the API server tells before another one is made.
func TestStaleCacheMakesNoSecondTaskRun(t *testing.T) {
	w := newWorld(t, payments()...)
	reconcile(t, w)
	first := w.TaskRun(ns, run).UID
	for range 3 {
		if err := w.ReconcileStale(ns, run); !apierrs.IsConflict(err) {
			t.Errorf("reconciling = %v, want a conflict", err)
		}
	}
	if got := w.TaskRun(ns, run).UID; got != first {
		t.Errorf("TaskRun %s, then %s", first, got)
	}
}

// The API server made the TaskRun, and its answer was lost.
func TestLostAnswerMakesNoSecondTaskRun(t *testing.T) {
	w := newWorld(t, payments()...)
	lost := true
	w.Faults.After = func(a reconcilertest.Action) error {
		if a == "create taskruns" && lost {
			lost = false
			return apierrs.NewTimeoutError("the webhook took too long", 0)
		}
		return nil
	}
	if err := w.Reconcile(ns, run); err == nil {
		t.Fatal("the lost answer was not noticed")
	}
	first := w.TaskRun(ns, run).UID
	reconcile(t, w)
	if got := w.TaskRun(ns, run).UID; got != first || condition(w).Reason != "Running" {
		t.Errorf("TaskRun %s, then %s; condition %+v", first, got, condition(w))
	}
}

func TestRefusedTaskRun(t *testing.T) {
	taskruns := schema.GroupResource{Group: "tekton.dev", Resource: "taskruns"}
	for name, test := range map[string]struct {
		err   error
		final bool
	}{
		"Invalid":   {apierrs.NewInvalid(pipelinev1.SchemeGroupVersion.WithKind("TaskRun").GroupKind(), run, nil), true},
		"Forbidden": {apierrs.NewForbidden(taskruns, run, fmt.Errorf("no right")), true},
		"quota":     {apierrs.NewForbidden(taskruns, run, fmt.Errorf("exceeded quota: pods")), false},
		"5xx":       {apierrs.NewInternalError(errors.New("etcd is slow")), false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, payments()...)
			w.Faults.Before = func(a reconcilertest.Action) error {
				if a == "create taskruns" {
					return test.err
				}
				return nil
			}
			err := w.Reconcile(ns, run)
			if test.final {
				wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonTaskRunRefused, "refused")
			} else if c := condition(w); err == nil || c.Status != corev1.ConditionUnknown {
				t.Errorf("err %v, condition %+v, want another try", err, c)
			}
		})
	}
}

// The other leader made the TaskRun, and somebody deleted it, before this one's cache knew of either.
func TestStaleLeaderMakesNoSecondTaskRun(t *testing.T) {
	w := newWorld(t, payments()...)
	late := w.Replica()
	reconcile(t, w)
	w.DeleteTaskRun(ns, run)
	if err := late.ReconcileStale(ns, run); !apierrs.IsConflict(err) {
		t.Errorf("reconciling = %v, want a conflict", err)
	}
	if w.TaskRun(ns, run) != nil {
		t.Error("it is pushed twice")
	}
	if err := late.Reconcile(ns, run); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonTaskRunDeleted)
}
