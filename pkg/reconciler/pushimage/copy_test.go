package pushimage

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

const (
	internal = "registry.internal.svc:5000"
	source   = "docker://" + internal + "/" + ns + "/checkout:v1"
)

// fromRegistry returns the scene of a run that pushes from a registry, with the tenant's Secret in custody alone.
func fromRegistry() []runtime.Object {
	objects := inCustody()
	for _, o := range objects {
		if r, ok := o.(*v1beta1.CustomRun); ok {
			r.Spec.Workspaces = nil
			r.Spec.Params = append(r.Spec.Params, v1beta1.Param{Name: v1alpha1.ParamSource, Value: *v1beta1.NewStructuredValues(source)},
				v1beta1.Param{Name: v1alpha1.ParamCompression, Value: *v1beta1.NewStructuredValues("zstd")})
		}
	}
	return objects
}

func newCopying(t *testing.T, objects ...runtime.Object) *reconcilertest.World {
	return reconcilertest.New(t, NewController, map[string]string{"custody-namespace": custody, "internal-registries": internal}, objects...)
}

// copyOf returns the TaskRun in custody; nil if there is none.
func copyOf(w *reconcilertest.World) *pipelinev1.TaskRun {
	return w.TaskRun(custody, copyName(w.CustomRun(ns, run).UID))
}

func copying(t *testing.T) *reconcilertest.World {
	t.Helper()
	w := newCopying(t, fromRegistry()...)
	reconcile(t, w)
	if copyOf(w) == nil {
		t.Fatalf("no TaskRun was made: %+v", w.CustomRun(ns, run).Status)
	}
	w.Actions()
	return w
}

// The whole TaskRun: where no tenant is, and with nothing of a tenant's but what was checked.
func TestCopyTaskRun(t *testing.T) {
	objects := fromRegistry()
	for _, o := range objects {
		switch o := o.(type) {
		case *v1beta1.CustomRun:
			o.Labels["app"], o.Annotations = "controller", map[string]string{"sidecar.example.com/inject": "true", v1alpha1.AnnotationCustomRun: "a/b"}
			o.Spec.Retries, o.Spec.Timeout = 2, &metav1.Duration{Duration: time.Minute}
		case *pipelinev1.PipelineRun:
			o.Annotations = map[string]string{spanContext: `{"traceparent":"` + traceparent + `"}`}
			o.Spec.TaskRunTemplate.PodTemplate = &pod.Template{ImagePullSecrets: []corev1.LocalObjectReference{{Name: "quay-robot-team-platform"}}}
		}
	}
	w := newCopying(t, objects...)
	reconcile(t, w)
	want := &pipelinev1.TaskRun{
		ObjectMeta: metav1.ObjectMeta{
			Name: "push-" + string(w.CustomRun(ns, run).UID), Namespace: custody,
			Labels: map[string]string{"tekton.dev/customRun": run, "tekton.dev/pipelineRun": reconcilertest.Pipeline, "tekton.dev/pipelineTask": "push",
				"tekton.dev/pipelineRunUID": "uid-of-" + reconcilertest.Pipeline, "tekton.dev/memberOf": "tasks", "quay.comptech-lab.com/managed": "true", "quay.comptech-lab.com/team": "payments"},
			Annotations: map[string]string{"quay.comptech-lab.com/customrun": ns + "/" + run, childSpanContext: `{"traceparent":"` + traceparent + `"}`},
		},
		Spec: pipelinev1.TaskRunSpec{
			TaskRef:            taskRef("copy-image-quay", "openshift-pipelines"),
			ServiceAccountName: "copy-image-quay",
			Retries:            2,
			Timeout:            &metav1.Duration{Duration: time.Minute},
			Params: pipelinev1.Params{param(v1alpha1.ParamImageRef, reconcilertest.Image), param(v1alpha1.ParamSource, source),
				param(v1alpha1.ParamDockerconfigSecret, reconcilertest.Secret)},
		},
	}
	if diff := cmp.Diff(want, copyOf(w), cmpopts.IgnoreFields(metav1.ObjectMeta{}, "UID", "ResourceVersion", "CreationTimestamp")); diff != "" {
		t.Errorf("TaskRun (-want +got):\n%s", diff)
	}
	if s, err := stateOf(w.CustomRun(ns, run)); err != nil || s.TaskRun.Namespace != custody || s.ProjectedSecret != "" {
		t.Errorf("state %+v, %v", s, err)
	}
	if secrets := w.Secrets(ns); len(secrets) > 0 {
		t.Errorf("Secret %q is in the tenant's namespace", secrets[0].Name)
	}
}

// The end comes back from the other namespace, at the price of any other push in custody.
func TestCopyIsMirrored(t *testing.T) {
	for _, status := range []corev1.ConditionStatus{corev1.ConditionTrue, corev1.ConditionFalse} {
		w := newCopying(t, fromRegistry()...)
		w.Actions()
		reconcile(t, w)
		w.Queued()
		w.Update(reconcilertest.Finish(copyOf(w), status, "Because", "it ended"))
		w.Refresh()
		if keys := w.Queued(); len(keys) != 1 || keys[0].Namespace != ns || keys[0].Name != run {
			t.Errorf("the end of the TaskRun leads to %v, want the CustomRun", keys)
		}
		reconcile(t, w)
		reason := map[corev1.ConditionStatus]string{corev1.ConditionTrue: "Succeeded", corev1.ConditionFalse: "Because"}[status]
		wantEnd(t, w, status, reason, "--namespace "+custody)
		actions := w.Actions()
		if writes, reads := countOf(actions, "create", "update", "patch", "delete"), countOf(actions, "get"); writes > 3 || reads > 4 {
			t.Errorf("%d writes, %d reads: %v", writes, reads, actions)
		}
	}
}

func TestCopyIsCancelled(t *testing.T) {
	w := copying(t)
	cancelRun(w, "")
	reconcile(t, w)
	if !copyOf(w).IsCancelled() {
		t.Error("the TaskRun is not cancelled")
	}
	w.Update(reconcilertest.Finish(copyOf(w), corev1.ConditionFalse, "TaskRunCancelled", "cancelled"))
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, "CustomRunCancelled")
}

// A TaskRun that was made and not recorded is found again, and stopped if its run ends otherwise.
func TestCopyIsFoundAgain(t *testing.T) {
	lost := errors.New("the connection broke")
	unrecorded := func(t *testing.T) *reconcilertest.World {
		w := newCopying(t, fromRegistry()...)
		w.Faults.After = func(a reconcilertest.Action) error {
			if a == "create taskruns" {
				return lost
			}
			return nil
		}
		if err := w.Reconcile(ns, run); !errors.Is(err, lost) || copyOf(w) == nil {
			t.Fatalf("reconciling: %v", err)
		}
		w.Faults.After = nil
		return w
	}
	t.Run("adopted", func(t *testing.T) {
		w := unrecorded(t)
		made := copyOf(w).UID
		reconcile(t, w)
		if s, err := stateOf(w.CustomRun(ns, run)); err != nil || s.TaskRun.UID != made {
			t.Errorf("state %+v, %v, want TaskRun %s", s, err, made)
		}
	})
	t.Run("abandoned", func(t *testing.T) {
		w := unrecorded(t)
		cancelRun(w, "")
		reconcile(t, w)
		if !copyOf(w).IsCancelled() || w.CustomRun(ns, run).Status.CompletionTime != nil {
			t.Error("the run ended while its TaskRun goes on")
		}
	})
	t.Run("of another run", func(t *testing.T) {
		w := unrecorded(t)
		task := copyOf(w)
		task.Annotations[v1alpha1.AnnotationCustomRun] = ns + "/another"
		w.Update(task)
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonTaskRunNameConflict)
	})
	t.Run("after the end", func(t *testing.T) {
		w := copying(t)
		r := w.CustomRun(ns, run)
		r.Status.CompletionTime = &metav1.Time{Time: w.Clock.Now()}
		r.Status.MarkCustomRunFailed("Because", "a former leader said so")
		w.Update(r)
		reconcile(t, w)
		if !copyOf(w).IsCancelled() {
			t.Error("the TaskRun goes on")
		}
	})
}

// work has the controller look at what it was told to.
func work(t *testing.T, w *reconcilertest.World) {
	t.Helper()
	for _, key := range w.Queued() {
		if err := w.ReconcileStale(key.Namespace, key.Name); err != nil {
			t.Fatal(err)
		}
	}
}

// No owner reference leads to another namespace: what a CustomRun had there is deleted by the controller, and by nobody else's word.
func TestCopyGoesWithItsRun(t *testing.T) {
	gone := func(t *testing.T, w *reconcilertest.World) {
		t.Helper()
		work(t, w)
		if actions := w.Actions(); countOf(actions, "delete") != 1 || !slices.Contains(actions, "get customruns") {
			t.Errorf("requests %v, want one look and one delete", actions)
		}
	}
	t.Run("while it runs", func(t *testing.T) {
		w := copying(t)
		w.Queued()
		w.Delete(w.CustomRun(ns, run))
		w.Refresh()
		gone(t, w)
	})
	t.Run("after its end", func(t *testing.T) {
		w := copying(t)
		w.Update(reconcilertest.Finish(copyOf(w), corev1.ConditionTrue, "Succeeded", "done"))
		reconcile(t, w)
		w.Queued()
		w.Actions()
		w.Delete(w.CustomRun(ns, run))
		w.Refresh()
		gone(t, w)
	})
	t.Run("while nobody led", func(t *testing.T) {
		w := copying(t)
		w.Delete(w.CustomRun(ns, run))
		w.Restart()
		gone(t, w)
	})
	t.Run("made another kind's", func(t *testing.T) {
		w := copying(t)
		w.Queued()
		r := w.CustomRun(ns, run)
		w.Delete(r)
		w.Refresh() // Of another kind it is in no cache of ours.
		r.Spec.CustomRef = &v1beta1.TaskRef{APIVersion: "example.dev/v1", Kind: "Approval"}
		w.Add(r)
		gone(t, w)
	})
	t.Run("a cache that is behind", func(t *testing.T) {
		w := copying(t)
		live := w.CustomRun(ns, run)
		w.Delete(live)
		w.Refresh()
		w.Add(live)
		work(t, w)
		if copyOf(w) == nil {
			t.Error("the TaskRun of a run that is there was deleted")
		}
	})
	t.Run("the API server fails", func(t *testing.T) {
		for _, fails := range []reconcilertest.Action{"get customruns", "delete taskruns"} {
			w := copying(t)
			w.Queued()
			w.Delete(w.CustomRun(ns, run))
			w.Refresh()
			w.Faults.Before = func(a reconcilertest.Action) error {
				if a == fails {
					return apierrs.NewInternalError(errors.New("etcd is slow"))
				}
				return nil
			}
			if err := w.ReconcileStale(ns, run); err == nil {
				t.Errorf("%s failed, and nobody comes back", fails)
			}
		}
	})
}

// What is refused makes no TaskRun anywhere, and says why.
func TestCopyIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		edit         func(o runtime.Object)
		reason, says string
	}{
		"another namespace's image": {func(o runtime.Object) {
			if r, ok := o.(*v1beta1.CustomRun); ok {
				r.Spec.Params[1].Value.StringVal = "docker://" + internal + "/apps-platform-sample/app"
			}
		}, v1alpha1.ReasonSourceOutsideNamespace, ns},
		"a workspace": {func(o runtime.Object) {
			if r, ok := o.(*v1beta1.CustomRun); ok {
				r.Spec.Workspaces = []v1beta1.WorkspaceBinding{{Name: "source", EmptyDir: &corev1.EmptyDirVolumeSource{}}}
			}
		}, v1alpha1.ReasonInvalidWorkspaces, "no workspace"},
		"no Secret in custody": {func(o runtime.Object) {
			if s, ok := o.(*corev1.Secret); ok {
				s.Namespace = ns
			}
		}, v1alpha1.ReasonSecretMissing, custody},
	} {
		t.Run(name, func(t *testing.T) {
			objects := fromRegistry()
			for _, o := range objects {
				test.edit(o)
			}
			w := newCopying(t, objects...)
			reconcile(t, w)
			wantEnd(t, w, corev1.ConditionFalse, test.reason, test.says)
			if copyOf(w) != nil || w.TaskRun(ns, run) != nil {
				t.Error("a TaskRun was made")
			}
		})
	}
	t.Run("where no registry is listed", func(t *testing.T) {
		w := reconcilertest.New(t, NewController, map[string]string{"custody-namespace": custody}, fromRegistry()...)
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonSourceOutsideNamespace, "internal-registries")
	})
}

// The name is the same however often it is made, and a legal one.
func TestCopyName(t *testing.T) {
	if got := copyName("0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"); len(got) > 63 || !strings.HasPrefix(got, "push-0a1b") {
		t.Errorf("copyName = %q", got)
	}
}
