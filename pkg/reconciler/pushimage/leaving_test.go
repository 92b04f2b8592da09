package pushimage

import (
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// holdTaskRun is a delete of the TaskRun that somebody's finalizer holds back.
func holdTaskRun(w *reconcilertest.World) {
	task := w.TaskRun(ns, run)
	task.Finalizers, task.DeletionTimestamp = []string{"attacker.example.com/hold"}, &metav1.Time{Time: w.Clock.Now()}
	w.Update(task)
}

// holdRun is a delete of the CustomRun that waits for finalizer.
func holdRun(w *reconcilertest.World, finalizer string) {
	r := w.CustomRun(ns, run)
	r.Finalizers, r.DeletionTimestamp = []string{finalizer}, &metav1.Time{Time: w.Clock.Now()}
	w.Update(r)
}

// workOn has the controller look at what it is told to, as often as it is told.
func workOn(t *testing.T, w *reconcilertest.World) {
	t.Helper()
	for range 20 {
		w.Refresh()
		keys := w.Queued()
		if len(keys) == 0 {
			return
		}
		for _, key := range keys {
			if err := w.ReconcileStale(key.Namespace, key.Name); err != nil {
				if again, _ := controller.IsRequeueKey(err); !again {
					t.Fatal(err)
				}
			}
		}
	}
	t.Fatal("the controller never comes to rest")
}

// A TaskRun whose delete is held back is as good as gone, since Tekton does not look at it any more: the run ends at once, is told so
// by the event of the delete, and leaves no Secret. Whether it is cancelled before, after or never.
func TestHeldTaskRunIsGone(t *testing.T) {
	for name, test := range map[string]struct {
		before, after func(w *reconcilertest.World)
		reason        string
	}{
		"alone":            {nil, nil, v1alpha1.ReasonTaskRunDeleted},
		"then cancelled":   {nil, func(w *reconcilertest.World) { cancelRun(w, "") }, "CustomRunCancelled"},
		"cancelled before": {func(w *reconcilertest.World) { cancelRun(w, "") }, nil, "CustomRunCancelled"},
		"without an owner": {strip(true, false), nil, v1alpha1.ReasonTaskRunDeleted},
		"without a label":  {strip(false, true), nil, v1alpha1.ReasonTaskRunDeleted},
		"timed out": {func(w *reconcilertest.World) {
			r := w.CustomRun(ns, run)
			r.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
			w.Update(r)
		}, func(w *reconcilertest.World) { w.Clock.SetTime(w.Clock.Now().Add(time.Hour)) }, v1alpha1.ReasonTaskRunDeleted},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCustody(t)
			reconcile(t, w)
			workOn(t, w)
			if test.before != nil {
				test.before(w)
				workOn(t, w)
			}
			holdTaskRun(w)
			if test.after != nil {
				test.after(w)
			}
			workOn(t, w)
			if name == "without a label" {
				reconcile(t, w) // The poll: no event tells of what has no label.
			}
			wantEnd(t, w, corev1.ConditionFalse, test.reason)
			wantRunSecret(t, w, false)
			w.Actions()
			reconcile(t, w)
			if n := countOf(w.Actions(), "patch"); n > 0 {
				t.Errorf("%d patches of a TaskRun that nobody looks at", n)
			}
		})
	}
	t.Run("that has ended has ended", func(t *testing.T) {
		w := newCustody(t)
		reconcile(t, w)
		finish(w, corev1.ConditionTrue)
		holdTaskRun(w)
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
	})
	t.Run("and ended meanwhile", func(t *testing.T) {
		w := newCustody(t)
		reconcile(t, w)
		holdTaskRun(w)
		w.Refresh()
		finish(w, corev1.ConditionTrue)
		if err := w.ReconcileStale(ns, run); err != nil {
			t.Fatal(err)
		}
		wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
	})
}

// Nobody recorded it yet: it is not the run's, and none is waited for.
func TestHeldTaskRunThatWasNotRecorded(t *testing.T) {
	w := newCustody(t)
	w.Faults.After = func(a reconcilertest.Action) error {
		if a == "create taskruns" {
			return errLost
		}
		return nil
	}
	if err := w.Reconcile(ns, run); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	w.Faults.After = nil
	holdTaskRun(w)
	cancelRun(w, "")
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, "CustomRunCancelled")
	wantRunSecret(t, w, false)
}

// A CustomRun that somebody holds in its deletion ends, well before it is gone, and keeps neither Secret nor TaskRun.
func TestHeldRunEnds(t *testing.T) {
	for _, finalizer := range []string{metav1.FinalizerDeleteDependents, metav1.FinalizerOrphanDependents, "attacker.example.com/hold"} {
		t.Run(finalizer, func(t *testing.T) {
			w := newCustody(t)
			reconcile(t, w)
			workOn(t, w)
			holdRun(w, finalizer)
			workOn(t, w)
			wantRunSecret(t, w, false)
			if !w.TaskRun(ns, run).IsCancelled() {
				t.Error("the TaskRun goes on")
			}
			finish(w, corev1.ConditionFalse)
			workOn(t, w)
			wantEnd(t, w, corev1.ConditionFalse, "CustomRunCancelled", "being deleted")
		})
	}
}

// The delete comes between any two requests of the start: the copy that is then made for it is taken back, whoever leads by then.
func TestRunIsHeldWhileItStarts(t *testing.T) {
	for _, dies := range []bool{false, true} {
		for at := range 6 {
			t.Run(fmt.Sprintf("before request %d, the leader dies %v", at, dies), func(t *testing.T) {
				w := newCustody(t)
				request := 0
				w.Faults.Before = func(reconcilertest.Action) error {
					if request++; request == at+1 {
						holdRun(w, metav1.FinalizerDeleteDependents)
						if dies {
							return errDead
						}
					} else if dies && request > at {
						return errDead
					}
					return nil
				}
				_ = w.Reconcile(ns, run)
				w.Faults.Before = nil
				if w.CustomRun(ns, run).DeletionTimestamp == nil {
					holdRun(w, metav1.FinalizerDeleteDependents) // The start was over.
				}
				if dies {
					w.Restart()
				}
				reconcile(t, w)
				if task := w.TaskRun(ns, run); task != nil {
					if !task.IsCancelled() {
						t.Error("the TaskRun goes on")
					}
					finish(w, corev1.ConditionFalse)
				}
				reconcile(t, w)
				wantEnd(t, w, corev1.ConditionFalse, "CustomRunCancelled")
				wantRunSecret(t, w, false)
			})
		}
	}
}

// In custody the TaskRun goes, and with it its Pods, as soon as the CustomRun has a deletion timestamp.
func TestCopyOfAHeldRunIsDeleted(t *testing.T) {
	t.Run("while it runs", func(t *testing.T) {
		w := copying(t)
		holdRun(w, "attacker.example.com/hold")
		workOn(t, w)
		if copyOf(w) != nil {
			t.Error("the TaskRun is left in custody")
		}
		wantEnd(t, w, corev1.ConditionFalse, "CustomRunCancelled")
	})
	t.Run("that was not recorded", func(t *testing.T) {
		w := newCopying(t, fromRegistry()...)
		w.Faults.After = func(a reconcilertest.Action) error {
			if a == "create taskruns" {
				return errLost
			}
			return nil
		}
		_ = w.Reconcile(ns, run)
		w.Faults.After = nil
		holdRun(w, metav1.FinalizerDeleteDependents)
		w.Restart()
		reconcile(t, w)
		if copyOf(w) != nil {
			t.Error("the TaskRun is left in custody")
		}
		wantEnd(t, w, corev1.ConditionFalse, "CustomRunCancelled")
	})
	t.Run("that cannot be deleted now", func(t *testing.T) {
		w := copying(t)
		holdRun(w, metav1.FinalizerDeleteDependents)
		w.Faults.Before = func(a reconcilertest.Action) error {
			if a == "delete taskruns" {
				return apierrs.NewServiceUnavailable("etcd is slow")
			}
			return nil
		}
		if err := w.Reconcile(ns, run); err == nil || w.CustomRun(ns, run).Status.CompletionTime != nil {
			t.Errorf("err %v: nobody comes back", err)
		}
	})
}

// A replica that does not lead leaves a run that is being deleted alone.
func TestFollowerLeavesAHeldRunAlone(t *testing.T) {
	w := newCustody(t)
	reconcile(t, w)
	holdRun(w, "x")
	w.Refresh()
	w.Demote()
	w.Actions()
	if err := w.ReconcileStale(ns, run); !controller.IsSkipKey(err) {
		t.Errorf("reconciling = %v", err)
	}
	if actions := w.Actions(); len(actions) > 0 {
		t.Errorf("a follower did %v", actions)
	}
}

// strip takes owner and label off the TaskRun.
func strip(owner, label bool) func(w *reconcilertest.World) {
	return func(w *reconcilertest.World) {
		task := w.TaskRun(ns, run)
		if owner {
			task.OwnerReferences = nil
		}
		if label {
			delete(task.Labels, v1alpha1.LabelManaged)
		}
		w.Update(task)
	}
}

// Whatever is taken off the TaskRun, in whatever order, the run hears of its end: by an event, or by a look after a while.
func TestStrippedTaskRunIsHeardOf(t *testing.T) {
	for name, steps := range map[string][]func(w *reconcilertest.World){
		"owner":             {strip(true, false)},
		"label":             {strip(false, true)},
		"both":              {strip(true, true)},
		"owner, then label": {strip(true, false), strip(false, true)},
		"label, then owner": {strip(false, true), strip(true, false)},
		"before it was seen": {func(w *reconcilertest.World) {
			w.RefreshCustomRuns()
			strip(true, true)(w)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := started(t, payments()...)
			if name != "before it was seen" {
				workOn(t, w)
			}
			var wait time.Duration
			for _, step := range steps {
				step(w)
				w.Refresh()
				for _, key := range w.Queued() {
					_, wait = controller.IsRequeueKey(w.ReconcileStale(key.Namespace, key.Name))
				}
			}
			if c := condition(w); c.Status != corev1.ConditionUnknown {
				t.Errorf("while it runs: %+v", c)
			}
			finish(w, corev1.ConditionTrue)
			w.Refresh()
			told := len(w.Queued()) == 1
			if !told && (wait <= 0 || wait > unseen) {
				t.Errorf("nobody is told of its end, and the next look is in %s", wait)
			}
			reconcile(t, w)
			wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
		})
	}
}

// Cancelling takes hold again where somebody takes it back.
func TestCancelIsRepeated(t *testing.T) {
	w := started(t, payments()...)
	cancelRun(w, "")
	if again, wait := controller.IsRequeueKey(w.Reconcile(ns, run)); !again || wait != unseen {
		t.Errorf("again %v after %s", again, wait)
	}
	task := w.TaskRun(ns, run)
	task.Spec.Status = ""
	w.Update(task)
	reconcile(t, w)
	if !w.TaskRun(ns, run).IsCancelled() {
		t.Error("the TaskRun goes on")
	}
}

// relabel gives the namespace to another team, or to none.
func relabel(w *reconcilertest.World, team string) {
	labels := map[string]string{}
	if team != "" {
		labels["apps.platform/team"] = team
	}
	w.Update(reconcilertest.NewNamespace(ns, labels))
}

// The platform gives the namespace to another team while a run has a Secret: that goes, at whatever end.
func TestSecretGoesFromARelabelledNamespace(t *testing.T) {
	for _, team := range []string{"platform", "", "no team!"} {
		for name, end := range map[string]func(t *testing.T, w *reconcilertest.World){
			"success": func(_ *testing.T, w *reconcilertest.World) { finish(w, corev1.ConditionTrue) },
			"cancelled": func(t *testing.T, w *reconcilertest.World) {
				cancelRun(w, "")
				reconcile(t, w)
				finish(w, corev1.ConditionFalse)
			},
			"deleted": func(_ *testing.T, w *reconcilertest.World) { w.DeleteTaskRun(ns, run) },
			"held":    func(t *testing.T, w *reconcilertest.World) { holdRun(w, "x"); reconcile(t, w); holdTaskRun(w) },
			"dead leader": func(_ *testing.T, w *reconcilertest.World) {
				w.Restart()
				finish(w, corev1.ConditionTrue)
			},
		} {
			t.Run(team+" "+name, func(t *testing.T) {
				w := newCustody(t)
				reconcile(t, w)
				wantRunSecret(t, w, true)
				relabel(w, team)
				end(t, w)
				reconcile(t, w)
				wantRunSecret(t, w, false)
				if w.CustomRun(ns, run).Status.CompletionTime == nil {
					t.Error("the run goes on")
				}
			})
		}
	}
}

// Nobody has recorded the Secret yet: its name has the team of the image.
func TestUnrecordedSecretGoesFromARelabelledNamespace(t *testing.T) {
	for _, team := range []string{"platform", ""} {
		w := newCustody(t)
		w.Faults.Before = func(a reconcilertest.Action) error {
			if a == "create taskruns" {
				return apierrs.NewServiceUnavailable("etcd is slow")
			}
			return nil
		}
		if err := w.Reconcile(ns, run); err == nil {
			t.Fatal("no error")
		}
		w.Faults.Before = nil
		wantRunSecret(t, w, true)
		relabel(w, team)
		reconcile(t, w)
		if c := condition(w); c.Status != corev1.ConditionFalse {
			t.Errorf("%+v", c)
		}
		wantRunSecret(t, w, false)
	}
}
