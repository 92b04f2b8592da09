package conformance

import (
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

var terminal = []Check{
	{ID: "C20", Sentence: "A terminal condition never changes: cancel, timeout, edit, resync, restart, stale cache, second leader", InProcess: func(t *T) {
		for _, status := range []corev1.ConditionStatus{corev1.ConditionTrue, corev1.ConditionFalse} {
			s := pushing(t)
			late := s.Replica()
			s.finish(status, "Because", "")
			end := s.run().Status
			late.RefreshTaskRuns()
			if err := late.ReconcileStale(ns, run); !apierrs.IsConflict(err) {
				t.Errorf("a leader with a stale cache: %v, want a conflict", err)
			}
			s.requests()
			for _, disturb := range []func(){
				func() {},
				func() { s.cancel(v1beta1.CustomRunCancelledByPipelineMsg) },
				func() { s.cancel(v1beta1.CustomRunCancelledByPipelineTimeoutMsg) },
				func() {
					r := s.run()
					r.Spec.Params, r.Generation = nil, r.Generation+1
					s.Update(r)
				},
				func() { s.DeleteTaskRun(ns, run) },
				s.Restart,
			} {
				disturb()
				s.look()
				if diff := cmp.Diff(end, s.run().Status); diff != "" {
					t.Fatalf("the end changed (-was +is):\n%s", diff)
				}
			}
			if got := s.writes(); len(got) > 0 {
				t.Errorf("a run that has ended costs %v", got)
			}
		}
	}},
	{ID: "C21", Sentence: "completionTime is set once, not before startTime", InProcess: func(t *T) {
		s := pushing(t)
		s.pass(-time.Hour)
		s.finish(corev1.ConditionFalse, "Failed", "")
		first := s.run().Status
		s.pass(2 * time.Hour)
		s.look()
		if second := s.run().Status; first.CompletionTime.Before(first.StartTime) || !second.CompletionTime.Equal(first.CompletionTime) {
			t.Errorf("start %v, end %v, then %v", first.StartTime, first.CompletionTime, second.CompletionTime)
		}
	}},
	{ID: "C22", Sentence: "Succeeded is the only condition: Tekton takes the first one's reason", InProcess: func(t *T) {
		for _, s := range []*scene{pushing(t), pushed(t), refused(t, v1alpha1.ReasonInvalidParams, give("x", "y"))} {
			if c := s.run().Status.Conditions; len(c) != 1 || c[0].Type != "Succeeded" {
				t.Errorf("conditions %v", c)
			}
		}
	}},
	{ID: "C23", Sentence: "Results and True are written in one request", InProcess: func(t *T) {
		s := pushing(t)
		s.finish(corev1.ConditionTrue, "Succeeded", "")
		if got := s.writes(); len(got) != 1 || len(s.run().Status.Results) != len(v1alpha1.Results) {
			t.Errorf("%v for %d results", got, len(s.run().Status.Results))
		}
	}},
	{ID: "C24", Sentence: "Success has every result, or is none; results are strings, arrays and objects as JSON", InProcess: func(t *T) {
		s := pushing(t)
		done := reconcilertest.Finish(s.task(), corev1.ConditionTrue, "Succeeded", "")
		done.Status.Results = append(done.Status.Results,
			pipelinev1.TaskRunResult{Name: "array", Type: pipelinev1.ResultsTypeArray, Value: *pipelinev1.NewStructuredValues("a", "b")},
			pipelinev1.TaskRunResult{Name: "object", Type: pipelinev1.ResultsTypeObject, Value: *pipelinev1.NewObject(map[string]string{"k": "v"})})
		s.Update(done)
		s.look()
		got := map[string]string{}
		for _, r := range s.run().Status.Results {
			got[r.Name] = r.Value
		}
		if got["array"] != `["a","b"]` || got["object"] != `{"k":"v"}` || slices.ContainsFunc(v1alpha1.Results, func(r string) bool { return got[r] == "" }) {
			t.Errorf("results %v", got)
		}
		s = pushing(t)
		done = reconcilertest.Finish(s.task(), corev1.ConditionTrue, "Succeeded", "")
		done.Status.Results = done.Status.Results[1:]
		s.Update(done)
		s.look()
		s.want(corev1.ConditionFalse, v1alpha1.ReasonResultsMissing, v1alpha1.Results[0])
	}},
	{ID: "C25", Sentence: "A failure has the results that there are", InProcess: func(t *T) {
		s := pushing(t)
		failed := reconcilertest.Finish(s.task(), corev1.ConditionFalse, "Failed", "")
		failed.Status.Results = []pipelinev1.TaskRunResult{{Name: v1alpha1.ResultImageDigest, Value: *pipelinev1.NewStructuredValues("sha256:x")}}
		s.Update(failed)
		s.look()
		if got := s.run().Status.Results; len(got) != 1 || got[0].Value != "sha256:x" {
			t.Errorf("results %v", got)
		}
	}},
	{ID: "C26", Sentence: "A message with % comes through, and a long one is cut at the end of a character", InProcess: func(t *T) {
		s := pushing(t)
		s.finish(corev1.ConditionFalse, "Failed", "100% sure %s %d")
		s.want(corev1.ConditionFalse, "Failed", "100% sure %s %d")
		s = pushing(t)
		s.finish(corev1.ConditionFalse, "Failed", strings.Repeat("ä", 5000))
		if m := s.condition().Message; len(m) > 2048 || !strings.HasSuffix(m, "ä…") {
			t.Errorf("message of %d bytes, ends in %q", len(m), m[len(m)-6:])
		}
	}},
}
