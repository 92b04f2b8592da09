package conformance

import (
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// reference edits the CustomRun's reference.
func reference(edit func(*v1beta1.TaskRef)) func(runtime.Object) {
	return on(func(r *v1beta1.CustomRun) { edit(r.Spec.CustomRef) })
}

func customSpec(r *v1beta1.CustomRun) {
	r.Spec.CustomRef, r.Spec.CustomSpec = nil, &v1beta1.EmbeddedCustomRunSpec{
		TypeMeta: runtime.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KindPushImage}}
}

// others returns the scene with a CustomRun of another controller and one of our other kind beside the run.
func others(t *T) *scene {
	s := set(t)
	foreign := reconcilertest.NewCustomRun(ns, reconcilertest.Pipeline, "foreign", "Approval")
	foreign.Spec.CustomRef.APIVersion = "example.dev/v1"
	s.Add(foreign, reconcilertest.NewCustomRun(ns, reconcilertest.Pipeline, "sibling", v1alpha1.KindResolveTenant))
	s.Actions()
	return s
}

var selection = []Check{
	{ID: "C01", Sentence: "CustomRuns of other kinds cost no request, also right after a promotion", InProcess: func(t *T) {
		s := others(t)
		s.Restart()
		for _, key := range s.Queued() {
			if key.Name != run {
				t.Errorf("a new leader looks at %s", key)
			}
		}
		if actions := s.Actions(); len(actions) > 0 {
			t.Errorf("cost %v", actions)
		}
	}},
	{ID: "C02", Sentence: "The reconciler itself leaves other kinds alone, whoever asks it", InProcess: func(t *T) {
		s := others(t)
		for _, name := range []string{"foreign", "sibling"} {
			if err := s.Reconcile(ns, name); err != nil || len(s.Actions()) > 0 {
				t.Errorf("%s: %v, or it cost requests", name, err)
			}
		}
	}},
	{ID: "C03", Sentence: "Our kind as a taskSpec is answered: False, and why", InProcess: func(t *T) {
		refused(t, v1alpha1.ReasonUnsupportedSpec, on(customSpec)).want(corev1.ConditionFalse, v1alpha1.ReasonUnsupportedSpec, "taskRef")
	}},
	{ID: "C04", Sentence: "A taskRef with a name is answered: False, and why", InProcess: func(t *T) {
		refused(t, v1alpha1.ReasonUnsupportedSpec, reference(func(r *v1beta1.TaskRef) { r.Name = "mine" }))
	}},
	{ID: "C05", Sentence: "A taskRef with a resolver is answered, and nothing panics", InProcess: func(t *T) {
		refused(t, v1alpha1.ReasonUnsupportedSpec, reference(func(r *v1beta1.TaskRef) {
			r.Resolver, r.Params = "git", v1beta1.Params{{Name: "url"}}
		}))
	}},
	{ID: "C06", Sentence: "Of a CustomRun nothing is written but its status", InProcess: func(t *T) {
		s := set(t)
		before := s.run()
		s.look()
		s.finish(corev1.ConditionTrue, "Succeeded", "")
		after := s.run()
		if diff := cmp.Diff(before.Spec, after.Spec); diff != "" {
			t.Errorf("spec (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(before.ObjectMeta, after.ObjectMeta, cmpopts.IgnoreFields(metav1.ObjectMeta{}, "ResourceVersion")); diff != "" {
			t.Errorf("metadata (-before +after):\n%s", diff)
		}
		for _, a := range s.writes() {
			if !slices.Contains([]reconcilertest.Action{"create taskruns", "update customruns/status"}, a) {
				t.Errorf("it did %s", a)
			}
		}
	}},
	{ID: "C07", Sentence: "No finalizer is put on CustomRuns or TaskRuns", InProcess: func(t *T) {
		s := pushed(t)
		if f := append(s.run().Finalizers, s.task().Finalizers...); len(f) > 0 {
			t.Errorf("finalizers %v", f)
		}
	}},
}
