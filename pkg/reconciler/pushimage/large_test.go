package pushimage

import (
	"slices"
	"strings"
	"testing"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// A CustomRun too large for the cache is refused with the bound, costs no read of a PipelineRun, and stays as it was written.
func TestLargeRunIsRefused(t *testing.T) {
	big := strings.Repeat("a", 1<<20)
	for part, edit := range map[string]func(*v1beta1.CustomRun){
		`param "source"`: func(r *v1beta1.CustomRun) {
			r.Spec.Params = append(r.Spec.Params, v1beta1.Param{Name: "source", Value: *v1beta1.NewStructuredValues(big)})
		},
		"annotations": func(r *v1beta1.CustomRun) { r.Annotations = map[string]string{"x": big} },
		"labels":      func(r *v1beta1.CustomRun) { r.Labels["x"] = big },
		"workspaces":  func(r *v1beta1.CustomRun) { r.Spec.Workspaces[0].SubPath = big },
	} {
		w := newWorld(t, withRun(edit)...)
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonInvalidParams, part, "16384 bytes")
		if actions := w.Actions(); slices.Contains(actions, reconcilertest.Action("get pipelineruns")) || w.TaskRun(ns, run) != nil {
			t.Errorf("%s: %v", part, actions)
		}
		stored, want := w.CustomRun(ns, run), &v1beta1.CustomRun{}
		for _, o := range withRun(edit) {
			if r, ok := o.(*v1beta1.CustomRun); ok {
				want = r
			}
		}
		if len(stored.Spec.Params) != len(want.Spec.Params) || len(stored.Annotations) != len(want.Annotations) || len(stored.Labels) != len(want.Labels) {
			t.Errorf("%s: something else than the status was written: %d params, annotations %d", part, len(stored.Spec.Params), len(stored.Annotations))
		}
	}
}

// One that somebody makes large while it pushes ends as its TaskRun does.
func TestLargeRunThatPushes(t *testing.T) {
	w := started(t, payments()...)
	r := w.CustomRun(ns, run)
	r.Annotations = map[string]string{"x": strings.Repeat("a", 1<<20)}
	w.Update(r)
	reconcile(t, w)
	finish(w, corev1.ConditionTrue)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
	if results := w.CustomRun(ns, run).Status.Results; len(results) != len(v1alpha1.Results) {
		t.Errorf("results %v", results)
	}
}
