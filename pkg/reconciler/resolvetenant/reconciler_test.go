package resolvetenant

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

const (
	ns  = reconcilertest.Namespace
	run = reconcilertest.Run
)

// newWorld returns the scene of team payments with a ResolveTenant that is given nothing, after edit.
func newWorld(t *testing.T, edit func(runtime.Object)) *reconcilertest.World {
	t.Helper()
	objects := reconcilertest.Payments(v1alpha1.KindResolveTenant)
	for _, o := range objects {
		if r, ok := o.(*v1beta1.CustomRun); ok {
			r.Spec.Params, r.Spec.Workspaces = nil, nil
		}
		edit(o)
	}
	w := reconcilertest.New(t, NewController, nil, objects...)
	w.Actions()
	if err := w.Reconcile(ns, run); err != nil {
		t.Fatal(err)
	}
	return w
}

func onRun(edit func(*v1beta1.CustomRun)) func(runtime.Object) {
	return func(o runtime.Object) {
		if r, ok := o.(*v1beta1.CustomRun); ok {
			edit(r)
		}
	}
}

func TestResolve(t *testing.T) {
	w := newWorld(t, func(runtime.Object) {})
	want := []v1beta1.CustomRunResult{
		{Name: "dockerconfig-secret", Value: "quay-robot-team-payments"}, {Name: "team", Value: "payments"},
		{Name: "organization", Value: "team-payments"}, {Name: "registry", Value: reconcilertest.Host},
	}
	got := w.CustomRun(ns, run)
	if diff := cmp.Diff(want, got.Status.Results); diff != "" || !got.IsSuccessful() || got.Status.CompletionTime == nil {
		t.Errorf("status %+v\n(-want +got):\n%s", got.Status, diff)
	}
	if events := strings.Join(w.Events(), "\n"); !strings.Contains(events, "Chains does not attest") {
		t.Errorf("the cost is not told: %q", events)
	}
	actions := w.Actions()
	if diff := cmp.Diff([]reconcilertest.Action{"get pipelineruns", "get secrets", "update customruns/status"}, actions); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if err := w.Reconcile(ns, run); err != nil || len(w.Actions()) > 0 {
		t.Errorf("an answered run is looked at again: %v", err)
	}
}

func TestResolveRefuses(t *testing.T) {
	give := func(name, value string) func(runtime.Object) {
		return onRun(func(r *v1beta1.CustomRun) {
			r.Spec.Params = v1beta1.Params{{Name: name, Value: *v1beta1.NewStructuredValues(value)}}
		})
	}
	for reason, edit := range map[string]func(runtime.Object){
		v1alpha1.ReasonInvalidParams:            give("tag", "v1"),
		v1alpha1.ReasonSecretMismatch:           give("dockerconfig-secret", "quay-robot-team-platform"),
		v1alpha1.ReasonImageOutsideOrganization: give("image-ref", reconcilertest.Host+"/team-platform/app"),
		v1alpha1.ReasonUnprovenOwner:            onRun(func(r *v1beta1.CustomRun) { r.OwnerReferences[0].UID = "forged" }),
		v1alpha1.ReasonInvalidWorkspaces: onRun(func(r *v1beta1.CustomRun) {
			r.Spec.Workspaces = []v1beta1.WorkspaceBinding{{Name: "source", EmptyDir: &corev1.EmptyDirVolumeSource{}}}
		}),
		"CustomRunCancelled": onRun(func(r *v1beta1.CustomRun) { r.Spec.Status = v1beta1.CustomRunSpecStatusCancelled }),
		v1alpha1.ReasonSecretMissing: func(o runtime.Object) {
			if s, ok := o.(*corev1.Secret); ok {
				s.Name = "another"
			}
		},
		v1alpha1.ReasonNoTenant: func(o runtime.Object) {
			if n, ok := o.(*corev1.Namespace); ok {
				n.Labels = nil
			}
		},
	} {
		status := newWorld(t, edit).CustomRun(ns, run).Status
		if c := status.Conditions; len(c) != 1 || c[0].Status != corev1.ConditionFalse || c[0].Reason != reason || len(status.Results) > 0 {
			t.Errorf("%+v, want False with %s and no results", status, reason)
		}
	}
}

// PushImage's runs are not this controller's.
func TestPushImageIsLeftAlone(t *testing.T) {
	w := newWorld(t, onRun(func(r *v1beta1.CustomRun) { r.Spec.CustomRef.Kind = v1alpha1.KindPushImage }))
	if keys, err := w.Promote(); err != nil || len(keys) > 0 {
		t.Errorf("a new leader looks at %v, %v", keys, err)
	}
	if actions := w.Actions(); len(actions) > 0 {
		t.Errorf("cost %v", actions)
	}
}
