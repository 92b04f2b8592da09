package pushimage

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

const custody = "custody"

// inCustody returns the scene with the tenant's Secret in the custody namespace.
func inCustody() []runtime.Object {
	return with(func(o runtime.Object) {
		if s, ok := o.(*corev1.Secret); ok {
			s.Namespace = custody
		}
	})
}

func newCustody(t *testing.T) *reconcilertest.World {
	return reconcilertest.New(t, NewController, map[string]string{"custody-namespace": custody}, inCustody()...)
}

// wantRunSecret checks that the run has a Secret of its own, or none.
func wantRunSecret(t *testing.T, w *reconcilertest.World, want bool) {
	t.Helper()
	secrets := w.Secrets(ns)
	if !want && len(secrets) > 0 {
		t.Errorf("Secret %q is left", secrets[0].Name)
	}
	if want && (len(secrets) != 1 || secrets[0].Name != reconcilertest.Secret+"."+string(w.CustomRun(ns, run).UID)) {
		t.Errorf("%d Secrets in the run's namespace, want its own", len(secrets))
	}
}

func finish(w *reconcilertest.World, status corev1.ConditionStatus) {
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), status, "Because", "it ended"))
}

// A run has its Secret before its TaskRun, and none when it has ended: well, badly, cancelled, too late, or without its TaskRun.
func TestRunSecretLivesAsLongAsTheRun(t *testing.T) {
	for name, test := range map[string]struct {
		end    func(w *reconcilertest.World)
		status corev1.ConditionStatus
		reason string
	}{
		"success": {func(w *reconcilertest.World) { finish(w, corev1.ConditionTrue) }, corev1.ConditionTrue, "Succeeded"},
		"failure": {func(w *reconcilertest.World) { finish(w, corev1.ConditionFalse) }, corev1.ConditionFalse, "Because"},
		"deleted": {func(w *reconcilertest.World) { w.DeleteTaskRun(ns, run) }, corev1.ConditionFalse, v1alpha1.ReasonTaskRunDeleted},
		"cancelled": {func(w *reconcilertest.World) {
			cancelRun(w, "")
			reconcile(t, w)
			wantRunSecret(t, w, true)
			finish(w, corev1.ConditionFalse)
		}, corev1.ConditionFalse, "CustomRunCancelled"},
		"timed out": {func(w *reconcilertest.World) {
			r := w.CustomRun(ns, run)
			r.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
			w.Update(r)
			w.Clock.SetTime(w.Clock.Now().Add(time.Hour))
		}, corev1.ConditionFalse, "CustomRunTimedOut"},
		"missing results": {func(w *reconcilertest.World) {
			task := reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionTrue, "Succeeded", "")
			task.Status.Results = nil
			w.Update(task)
		}, corev1.ConditionFalse, v1alpha1.ReasonResultsMissing},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCustody(t)
			w.Faults.Before = func(a reconcilertest.Action) error {
				switch a {
				case "create taskruns":
					wantRunSecret(t, w, true)
				case "update customruns/status":
					wantRunSecret(t, w, w.TaskRun(ns, run) != nil && condition(w).Reason == "")
				}
				return nil
			}
			reconcile(t, w)
			wantRunSecret(t, w, true)
			mounted := w.Secrets(ns)[0].Name
			if got := w.TaskRun(ns, run).Spec.Params[1].Value.StringVal; got != mounted {
				t.Errorf("the TaskRun mounts %q, the Secret is %q", got, mounted)
			}
			s, err := stateOf(w.CustomRun(ns, run))
			if err != nil || s.Secret != reconcilertest.Secret || s.ProjectedSecret != mounted {
				t.Errorf("state %+v, %v", s, err)
			}
			test.end(w)
			reconcile(t, w)
			wantEnd(t, w, test.status, test.reason)
			wantRunSecret(t, w, false)
			if len(w.Secrets(custody)) != 1 {
				t.Error("the tenant's Secret is gone")
			}
			if all := fmt.Sprintf("%+v %+v %v", w.CustomRun(ns, run), w.TaskRun(ns, run), w.Events()); strings.Contains(all, reconcilertest.Token) {
				t.Error("the token is in a status or an event")
			}
		})
	}
}

// What the copy costs on top of a push: its two writes, and a look for a ServiceAccount.
func TestRunSecretBudget(t *testing.T) {
	w := newCustody(t)
	reconcile(t, w)
	finish(w, corev1.ConditionTrue)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
	actions := w.Actions()
	if writes, reads := countOf(actions, "create", "update", "patch", "delete"), countOf(actions, "get", "list", "watch"); writes > 5 || reads > 4 {
		t.Errorf("%d writes, %d reads: %v", writes, reads, actions)
	}
}

// In a shared namespace, and in the custody namespace itself, the tenants' own Secrets are used; without custody always.
func TestNoRunSecret(t *testing.T) {
	for name, test := range map[string]struct {
		custody, namespace string
		labels             map[string]string
	}{
		"no custody":               {"", ns, map[string]string{"apps.platform/team": "payments"}},
		"the custody namespace":    {ns, ns, map[string]string{"apps.platform/team": "payments"}},
		"a shared namespace":       {custody, "openshift-pipelines", nil},
		"custody and shared alike": {"openshift-pipelines", "openshift-pipelines", nil},
	} {
		t.Run(name, func(t *testing.T) {
			pr := reconcilertest.NewPipelineRun(test.namespace, reconcilertest.Pipeline, run)
			pr.Labels = map[string]string{"apps.platform/team": "payments"}
			w := reconcilertest.New(t, NewController, map[string]string{"custody-namespace": test.custody}, append(reconcilertest.NewGuards(test.namespace),
				reconcilertest.NewNamespace(test.namespace, test.labels), pr, reconcilertest.NewSecret(test.namespace, reconcilertest.Secret, "team-payments+ci"),
				reconcilertest.NewCustomRun(test.namespace, reconcilertest.Pipeline, run, v1alpha1.KindPushImage))...)
			if err := w.Reconcile(test.namespace, run); err != nil {
				t.Fatal(err)
			}
			task := w.TaskRun(test.namespace, run)
			if task == nil || task.Spec.Params[1].Value.StringVal != reconcilertest.Secret {
				t.Fatalf("TaskRun %+v, status %+v", task, w.CustomRun(test.namespace, run).Status)
			}
			w.Update(reconcilertest.Finish(task, corev1.ConditionTrue, "Succeeded", ""))
			if err := w.Reconcile(test.namespace, run); err != nil {
				t.Fatal(err)
			}
			if n := countOf(w.Actions(), "delete"); n > 0 || len(w.Secrets(test.namespace)) != 1 {
				t.Errorf("%d deletions, %d Secrets", n, len(w.Secrets(test.namespace)))
			}
		})
	}
}

// errDead is what a controller gets that was killed: nothing.
var errDead = errors.New("the controller is dead")

// dieAt kills the controller before or after its request number at, until it is revived; it returns what does that. Since the
// reconciler keeps nothing between two looks, a new leader is this one with new caches.
func dieAt(w *reconcilertest.World, at int, after bool) (revive func() (died bool)) {
	request, dead := 0, false
	w.Faults.Before = func(reconcilertest.Action) error {
		if dead = dead || request == at && !after; dead {
			return errDead
		}
		return nil
	}
	w.Faults.After = func(reconcilertest.Action) error {
		dead = dead || request == at && after
		request++
		if dead {
			return errDead
		}
		return nil
	}
	return func() bool {
		w.Faults = reconcilertest.Faults{}
		return dead
	}
}

// lead has a new leader look at what a promotion gives it.
func lead(t *testing.T, w *reconcilertest.World) {
	t.Helper()
	w.Refresh()
	keys, err := w.Promote()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if err := w.Reconcile(key.Namespace, key.Name); err != nil {
			if again, _ := controller.IsRequeueKey(err); !again {
				t.Fatal(err)
			}
		}
	}
}

// goOn brings the push on as far as the controller lives.
func goOn(w *reconcilertest.World) {
	_ = w.Reconcile(ns, run)
	if task := w.TaskRun(ns, run); task != nil && !task.IsDone() && condition(w).Reason == "Running" {
		finish(w, corev1.ConditionTrue)
		_ = w.Reconcile(ns, run)
	}
}

// crashes runs a push that is killed at every point between two requests, and has a new leader go on. change is what happens
// meanwhile.
func crashes(t *testing.T, change func(w *reconcilertest.World), check func(t *testing.T, w *reconcilertest.World, first *pipelinev1.TaskRun)) {
	crashesIn(t, newCustody, change, check)
}

// crashesIn has each push in a world of its own.
func crashesIn(t *testing.T, begin func(*testing.T) *reconcilertest.World, change func(w *reconcilertest.World),
	check func(t *testing.T, w *reconcilertest.World, first *pipelinev1.TaskRun)) {
	points := 0
	for _, after := range []bool{false, true} {
		for at := 0; ; at++ {
			w := begin(t)
			revive := dieAt(w, at, after)
			goOn(w)
			if !revive() {
				break
			}
			points++
			first := w.TaskRun(ns, run)
			change(w)
			lead(t, w)
			if task := w.TaskRun(ns, run); task != nil && !task.IsDone() {
				if !task.IsCancelled() {
					wantRunSecret(t, w, true)
				}
				finish(w, corev1.ConditionTrue)
			}
			lead(t, w)
			t.Run(fmt.Sprintf("request %d, after %v", at, after), func(t *testing.T) { check(t, w, first) })
		}
	}
	// PipelineRun, Secret twice, TaskRun, status; Secret, status.
	if points < 12 {
		t.Errorf("%d points, want one before and one after each request", points)
	}
}

func TestRunSecretOutlivesEveryCrash(t *testing.T) {
	check := func(t *testing.T, w *reconcilertest.World, first *pipelinev1.TaskRun) {
		wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
		wantRunSecret(t, w, false)
		if first != nil && w.TaskRun(ns, run).UID != first.UID {
			t.Error("a second TaskRun was made")
		}
	}
	t.Run("one", func(t *testing.T) { crashes(t, func(*reconcilertest.World) {}, check) })
	// The next leader dies as well, at each of its own requests.
	for at := range 8 {
		t.Run(fmt.Sprintf("and the next before its request %d", at), func(t *testing.T) {
			crashes(t, func(w *reconcilertest.World) {
				revive := dieAt(w, at, false)
				goOn(w)
				revive()
			}, check)
		})
	}
}

// The new leader cannot decide as the old one did: what that one left is stopped and taken away all the same.
func TestRunSecretOfARunThatIsRefusedAfterACrash(t *testing.T) {
	for name, change := range map[string]func(w *reconcilertest.World){
		"the tenant's Secret is gone": func(w *reconcilertest.World) { w.DeleteSecret(custody, reconcilertest.Secret) },
		"the run was cancelled":       func(w *reconcilertest.World) { cancelRun(w, "") },
	} {
		t.Run(name, func(t *testing.T) {
			crashes(t, change, func(t *testing.T, w *reconcilertest.World, first *pipelinev1.TaskRun) {
				wantRunSecret(t, w, false)
				if w.CustomRun(ns, run).Status.CompletionTime == nil {
					t.Error("the run goes on")
				}
				if task := w.TaskRun(ns, run); first == nil && task != nil {
					t.Error("a TaskRun was made")
				} else if task != nil && condition(w).Status == corev1.ConditionFalse && !task.IsDone() && !task.IsCancelled() {
					t.Error("the TaskRun goes on")
				}
			})
		})
	}
}

// ended lets another leader end the run, of which this one's cache knows nothing.
func ended(w *reconcilertest.World) {
	finish(w, corev1.ConditionTrue)
	r := w.CustomRun(ns, run)
	r.Status.MarkCustomRunSucceeded("Succeeded", "by the other leader")
	r.Status.CompletionTime = &metav1.Time{Time: w.Clock.Now()}
	w.Update(r)
	w.DeleteSecret(ns, w.Secrets(ns)[0].Name)
}

// A leader that is none any more looks at the run after its end.
func TestLateLeaderLeavesNoSecret(t *testing.T) {
	w := newCustody(t)
	reconcile(t, w)
	ended(w)
	if err := w.ReconcileStale(ns, run); !apierrs.IsConflict(err) {
		t.Errorf("reconciling = %v, want the conflict", err)
	}
	wantRunSecret(t, w, false)
}

// It dies before it can look: the next leader sweeps, and asks for no run that has ended long ago.
func TestNewLeaderSweeps(t *testing.T) {
	w := newCustody(t)
	late := w.Replica()
	late.Faults = reconcilertest.Faults{
		Before: func(a reconcilertest.Action) error {
			if a == "create secrets" {
				reconcile(t, w)
				ended(w)
			}
			return nil
		},
		After: func(a reconcilertest.Action) error {
			if a == "create secrets" {
				return errDead
			}
			return nil
		},
	}
	if err := late.ReconcileStale(ns, run); !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	wantRunSecret(t, w, true)
	w.Actions()
	w.Clock.SetTime(w.Clock.Now().Add(time.Hour))
	lead(t, w)
	if actions := w.Actions(); len(actions) > 0 {
		t.Errorf("a run that ended an hour ago costs %v", actions)
	}
	w.Clock.SetTime(w.Clock.Now().Add(-time.Hour + time.Minute))
	lead(t, w)
	wantRunSecret(t, w, false)
	if actions := w.Actions(); len(actions) != 1 {
		t.Errorf("the sweep of a run costs %v", actions)
	}
}

// Without the rights of config/custody/ the run ends at once, and says what is missing.
func TestRunSecretWithoutTheRight(t *testing.T) {
	secrets := schema.GroupResource{Resource: "secrets"}
	for name, test := range map[string]struct {
		err   error
		final bool
	}{
		"Forbidden":   {apierrs.NewForbidden(secrets, "x", errors.New("no right")), true},
		"Invalid":     {apierrs.NewInvalid(schema.GroupKind{Kind: "Secret"}, "x", nil), true},
		"quota":       {apierrs.NewForbidden(secrets, "x", errors.New("exceeded quota: secrets")), false},
		"unavailable": {apierrs.NewServiceUnavailable("etcd is slow"), false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCustody(t)
			w.Faults.Before = func(a reconcilertest.Action) error {
				if a == "create secrets" || a == "delete secrets" && apierrs.IsForbidden(test.err) {
					return test.err
				}
				return nil
			}
			err := w.Reconcile(ns, run)
			if test.final {
				wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonSecretRefused, "config/custody/", ns)
			} else if err == nil || condition(w).Reason != "" {
				t.Errorf("err %v, condition %+v, want another try", err, condition(w))
			}
			if w.TaskRun(ns, run) != nil {
				t.Error("a TaskRun waits for a Secret that is not there")
			}
		})
	}
}

// A Secret that cannot be deleted is tried again: no end is written over it.
func TestEndWaitsForTheDeletion(t *testing.T) {
	w := newCustody(t)
	reconcile(t, w)
	finish(w, corev1.ConditionTrue)
	w.Faults.Before = func(a reconcilertest.Action) error {
		if a == "delete secrets" {
			return apierrs.NewServiceUnavailable("etcd is slow")
		}
		return nil
	}
	if err := w.Reconcile(ns, run); err == nil || condition(w).Status != corev1.ConditionUnknown {
		t.Errorf("err %v, condition %+v", err, condition(w))
	}
	w.Faults = reconcilertest.Faults{}
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
	wantRunSecret(t, w, false)
}

// Custody is switched off while a run is on its way: its Secret is still its own.
func TestRunSecretIsRemembered(t *testing.T) {
	w := newCustody(t)
	reconcile(t, w)
	finish(w, corev1.ConditionTrue)
	r := w.CustomRun(ns, run)
	off := reconcilertest.New(t, NewController, nil, append(inCustody()[:1], r, w.TaskRun(ns, run), w.Secrets(ns)[0])...)
	reconcile(t, off)
	wantEnd(t, off, corev1.ConditionTrue, "Succeeded")
	wantRunSecret(t, off, false)
}
