//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// answer is how soon a run that can't succeed must say so.
const answer = 5 * time.Second

// refused runs run and checks that it was refused in time, with reason, a message that says all of says, and no Pod.
func refused(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun, reason string, says ...string) {
	t.Helper()
	run, err := s.Run(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	custom, err := s.CustomRunOf(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	checkRefused(t, ctx, custom, reason, says...)
}

func checkRefused(t *testing.T, ctx context.Context, custom *v1beta1.CustomRun, reason string, says ...string) {
	t.Helper()
	outcome := stage.Outcome(custom.Status.Conditions)
	if outcome.Status != corev1.ConditionFalse || outcome.Reason != reason {
		t.Errorf("outcome %s/%s, want False/%s: %s", outcome.Status, outcome.Reason, reason, outcome.Message)
	}
	for _, part := range says {
		if !strings.Contains(outcome.Message, part) {
			t.Errorf("message %q does not say %q", outcome.Message, part)
		}
	}
	if custom.Status.CompletionTime == nil {
		t.Fatal("no completionTime")
	}
	if took := custom.Status.CompletionTime.Sub(custom.CreationTimestamp.Time); took > answer {
		t.Errorf("answered after %s, want at most %s", took, answer)
	}
	pods, err := s.PodsOf(ctx, custom)
	if err != nil {
		t.Fatal(err)
	}
	if pods != 0 {
		t.Errorf("%d Pods were made", pods)
	}
}

func TestBadSecretIsRefusedAtOnce(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	victim := stage.Platform
	good := s.Quay.Dockerconfig(victim.Team)
	restore := func() {
		if err := s.PutSecret(context.Background(), victim, victim.Secret, corev1.SecretTypeDockerConfigJson, good); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(restore)
	for name, test := range map[string]struct {
		kind    corev1.SecretType
		content []byte
		reason  string
		says    string
	}{
		"wrong type":         {corev1.SecretTypeOpaque, good, v1alpha1.ReasonSecretInvalid, string(corev1.SecretTypeDockerConfigJson)},
		"other registry":     {corev1.SecretTypeDockerConfigJson, []byte(strings.ReplaceAll(string(good), s.Quay.Host, "quay.io")), v1alpha1.ReasonSecretInvalid, s.Quay.Host},
		"other team's robot": {corev1.SecretTypeDockerConfigJson, s.Quay.Dockerconfig(stage.Payments.Team), v1alpha1.ReasonSecretInvalid, "team-payments+ci"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.PutSecret(ctx, victim, victim.Secret, test.kind, test.content); err != nil {
				t.Fatal(err)
			}
			refused(t, ctx, stage.NewPush(victim, victim.Repository), test.reason, victim.Secret, test.says)
		})
	}
	t.Run("missing", func(t *testing.T) {
		if err := s.Kube.CoreV1().Secrets(victim.Namespace).Delete(ctx, victim.Secret, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		refused(t, ctx, stage.NewPush(victim, victim.Repository), v1alpha1.ReasonSecretMissing, victim.Secret)
	})
}

func TestTenantIsRefused(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	t.Run("image outside the organization", func(t *testing.T) {
		refused(t, ctx, stage.NewPush(stage.Platform, stage.Payments.Repository), v1alpha1.ReasonImageOutsideOrganization, "rule image", "team-platform")
	})
	t.Run("two teams that disagree", func(t *testing.T) {
		run := stage.NewPush(stage.Platform, stage.Payments.Repository)
		run.Labels = map[string]string{"apps.platform/team": "payments"}
		refused(t, ctx, run, v1alpha1.ReasonTenantConflict, "rule namespace-label", "payments", "platform")
	})
	t.Run("namespace without a team", func(t *testing.T) {
		nobody := stage.Tenant{Team: "nobody", Namespace: "default"}
		refused(t, ctx, stage.NewPush(nobody, stage.Payments.Repository), v1alpha1.ReasonNoTenant, "rule no-rule", "apps.platform/team")
	})
	// An owner that does not exist would have Kubernetes collect the CustomRun as garbage; a run of the tenant's that has ended
	// is the one that a forger can name. Forged UIDs: pkg/reconciler/pushimage, TestRefusals.
	t.Run("forged owner reference", func(t *testing.T) {
		ended, err := s.Run(ctx, stage.NewPush(stage.Platform, stage.Payments.Repository))
		if err != nil {
			t.Fatal(err)
		}
		owner := metav1.OwnerReference{APIVersion: "tekton.dev/v1", Kind: "PipelineRun", Name: ended.Name, UID: ended.UID, Controller: new(true)}
		custom, err := s.RunCustom(ctx, forged(stage.Platform, owner))
		if err != nil {
			t.Fatal(err)
		}
		checkRefused(t, ctx, custom, v1alpha1.ReasonUnprovenOwner, "rule owner", ended.Name)
	})
}

// forged is a CustomRun that somebody wrote by hand.
func forged(t stage.Tenant, owner metav1.OwnerReference) *v1beta1.CustomRun {
	return &v1beta1.CustomRun{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "forged-", Namespace: t.Namespace, OwnerReferences: []metav1.OwnerReference{owner}},
		Spec: v1beta1.CustomRunSpec{
			CustomRef:  &v1beta1.TaskRef{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KindPushImage},
			Params:     v1beta1.Params{{Name: v1alpha1.ParamImageRef, Value: *v1beta1.NewStructuredValues(t.Repository)}},
			Workspaces: []v1beta1.WorkspaceBinding{{Name: v1alpha1.WorkspaceSource, EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
	}
}
