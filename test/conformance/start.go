package conformance

import (
	"strings"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

var start = []Check{
	{ID: "C10", Sentence: "The first look sets Succeeded=Unknown, reason Running, and startTime once", InProcess: func(t *T) {
		s := pushing(t)
		s.want(corev1.ConditionUnknown, "Running")
		first := s.run().Status.StartTime
		s.pass(time.Minute)
		s.finish(corev1.ConditionTrue, "Succeeded", "")
		if first == nil || !first.Equal(s.run().Status.StartTime) {
			t.Errorf("startTime %v, then %v", first, s.run().Status.StartTime)
		}
	}},
	{ID: "C11", Sentence: "startTime is not before creationTimestamp, where a node's clock is behind", InProcess: func(t *T) {
		s := set(t)
		s.pass(-time.Hour)
		s.look()
		if r := s.run(); r.Status.StartTime.Before(&r.CreationTimestamp) {
			t.Errorf("started %v, created %v", r.Status.StartTime, r.CreationTimestamp)
		}
	}},
	{ID: "C12", Sentence: "observedGeneration follows while the run goes on, and a terminal condition stays", InProcess: func(t *T) {
		s := set(t, on(func(r *v1beta1.CustomRun) { r.Generation = 7 }))
		s.look()
		if got := s.run().Status.ObservedGeneration; got != 7 {
			t.Errorf("observedGeneration %d of generation 7", got)
		}
		s.finish(corev1.ConditionTrue, "Succeeded", "")
		s.cancel("")
		s.look()
		s.want(corev1.ConditionTrue, "Succeeded")
	}},
	{ID: "C13", Sentence: "What the author wrote wrong is False at once: one Warning event, no second look", InProcess: func(t *T) {
		for reason, edit := range map[string]func(runtime.Object){
			v1alpha1.ReasonInvalidParams:            give("imagee", "x"),
			v1alpha1.ReasonInvalidWorkspaces:        on(func(r *v1beta1.CustomRun) { r.Spec.Workspaces = nil }),
			v1alpha1.ReasonNoTenant:                 on(func(n *corev1.Namespace) { n.Labels = nil }),
			v1alpha1.ReasonSecretMismatch:           give("dockerconfig-secret", "quay-robot-team-platform"),
			v1alpha1.ReasonImageOutsideOrganization: on(func(r *v1beta1.CustomRun) { r.Spec.Params[0].Value.StringVal = "quay.io/a/b" }),
		} {
			s := refused(t, reason, edit)
			if n := strings.Count(strings.Join(s.Events(), "\n"), "Warning "+reason); n < 1 || n > 2 {
				t.Errorf("%s: %d Warning events, want one on the CustomRun and one on the PipelineRun", reason, n)
			}
		}
	}},
	{ID: "C14", Sentence: "The ServiceAccount is handed on as it is, also an empty one", InProcess: func(t *T) {
		for _, account := range []string{"", "default", "builder"} {
			s := pushing(t, on(func(r *v1beta1.CustomRun) { r.Spec.ServiceAccountName = account }))
			if got := s.task().Spec.ServiceAccountName; got != account {
				t.Errorf("ServiceAccount %q, want %q", got, account)
			}
		}
	}},
}
