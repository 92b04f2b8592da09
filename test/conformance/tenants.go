package conformance

import (
	"bytes"
	"fmt"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

func secret(edit func(*corev1.Secret)) func(runtime.Object) { return on(edit) }

var tenants = []Check{
	{ID: "C80", Sentence: "The owner is a live PipelineRun of that UID that lists the CustomRun; a forged reference is refused", InProcess: func(t *T) {
		refused(t, v1alpha1.ReasonUnprovenOwner, on(func(r *v1beta1.CustomRun) { r.OwnerReferences[0].UID = "forged" }))
		refused(t, v1alpha1.ReasonUnprovenOwner, on(func(r *v1beta1.CustomRun) { r.OwnerReferences[0].Name = "gone" }))
		refused(t, v1alpha1.ReasonUnprovenOwner, on(func(r *v1beta1.CustomRun) { r.OwnerReferences[0].Kind = "TaskRun" }))
	}},
	{ID: "C81", Sentence: "The namespace's team wins; a label on the run, or one that comes from its Pipeline, may repeat it alone", InProcess: func(t *T) {
		label := func(team string) func(runtime.Object) {
			return on(func(pr *pipelinev1.PipelineRun) { pr.Labels = map[string]string{"apps.platform/team": team} })
		}
		if got := pushing(t, label("team-payments")).fields().Team; got != "payments" {
			t.Errorf("team %q", got)
		}
		refused(t, v1alpha1.ReasonTenantConflict, label("platform"))
		// A CustomRun's own labels say nothing.
		s := pushing(t, on(func(r *v1beta1.CustomRun) { r.Labels["apps.platform/team"] = "platform" }))
		if got := s.task().Labels[v1alpha1.LabelTeam]; got != "payments" {
			t.Errorf("TaskRun of team %q", got)
		}
	}},
	{ID: "C82", Sentence: "A Secret that is missing, of the wrong type, without its key, another's or unreadable is False at once, by name", InProcess: func(t *T) {
		for _, s := range []*scene{
			refused(t, v1alpha1.ReasonSecretMissing, secret(func(s *corev1.Secret) { s.Name = "another" })),
			refused(t, v1alpha1.ReasonSecretInvalid, secret(func(s *corev1.Secret) { s.Type = corev1.SecretTypeOpaque })),
			refused(t, v1alpha1.ReasonSecretInvalid, secret(func(s *corev1.Secret) { s.Data = nil })),
			refused(t, v1alpha1.ReasonSecretInvalid, secret(func(s *corev1.Secret) { s.Data = reconcilertest.NewSecret("", "", "team-platform+ci").Data })),
		} {
			s.want(corev1.ConditionFalse, s.condition().Reason, reconcilertest.Secret)
		}
		s := set(t)
		s.Faults.Before = func(a reconcilertest.Action) error {
			if a == "get secrets" {
				return apierrs.NewForbidden(schema.GroupResource{Resource: "secrets"}, reconcilertest.Secret, fmt.Errorf("no right"))
			}
			return nil
		}
		s.reads(false)
		told := s.explain()
		s.look()
		s.wantExplained(told)
		s.want(corev1.ConditionFalse, v1alpha1.ReasonSecretUnreadable, reconcilertest.Secret)
	}},
	{ID: "C83", Sentence: "No token is in the log of the controller or of the push, nor in any object or event of the run", OnCluster: func(t *T, c *Cluster) {
		pr := c.end(c.create("C91"))
		c.wantOutcome(pr.Status.Conditions, corev1.ConditionTrue, "Succeeded")
		for name, text := range c.everythingOf(pr) {
			if len(text) == 0 {
				t.Errorf("%s is empty", name)
			}
			for _, token := range c.Quay.Tokens() {
				if bytes.Contains(text, []byte(token)) {
					t.Errorf("%s has a robot's token", name)
				}
			}
		}
	}},
	{ID: "C84", Sentence: "A CustomRun without an owner is answered where the namespace names the team, and refused in a shared one", InProcess: func(t *T) {
		alone := on(func(r *v1beta1.CustomRun) { r.OwnerReferences = nil })
		if got := pushing(t, alone).fields().Team; got != "payments" {
			t.Errorf("team %q", got)
		}
		refused(t, v1alpha1.ReasonUnprovenOwner, alone, on(func(n *corev1.Namespace) { n.Labels = nil }))
	}},
}
