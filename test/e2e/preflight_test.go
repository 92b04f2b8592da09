//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/test/stage"
)

// asking returns a run that asks whether its push could begin, and then pushes.
func asking(t stage.Tenant, imageRef, preflight string) *pipelinev1.PipelineRun {
	run := stage.NewPush(t, imageRef)
	run.Spec.PipelineSpec.Tasks[0].RunAfter = []string{"ask"}
	run.Spec.PipelineSpec.Tasks = append([]pipelinev1.PipelineTask{{
		Name:    "ask",
		TaskRef: &pipelinev1.TaskRef{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KindResolveTenant},
		Params: pipelinev1.Params{{Name: v1alpha1.ParamImageRef, Value: *pipelinev1.NewStructuredValues(imageRef)},
			{Name: v1alpha1.ParamPreflight, Value: *pipelinev1.NewStructuredValues(preflight)}},
	}}, run.Spec.PipelineSpec.Tasks...)
	return run
}

// ask runs the run, and returns what its question ended with.
func ask(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun) (*pipelinev1.PipelineRun, *v1beta1.CustomRun) {
	t.Helper()
	run, err := s.Run(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	custom, err := s.Tekton.TektonV1beta1().CustomRuns(run.Namespace).Get(ctx, run.Name+"-ask", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return run, custom
}

// TestPreflight: who could not push hears so in seconds, before the next task; who could pushes. Nothing is left in Quay by the question.
func TestPreflight(t *testing.T) {
	ctx := within(t, 6*time.Minute)
	claim, platform := imageVolume(t, ctx), stage.Platform
	refused := func(t *testing.T, run *pipelinev1.PipelineRun, reason string, says ...string) {
		t.Helper()
		run, custom := ask(t, ctx, run)
		checkRefused(t, ctx, custom, reason, says...)
		if _, err := s.CustomRunOf(ctx, run); !apierrs.IsNotFound(err) {
			t.Errorf("the push began: %v", err)
		}
	}
	t.Run("a certificate that the controller does not trust", func(t *testing.T) {
		refused(t, asking(platform, platform.Repository, "true"), v1alpha1.ReasonRegistryUnreachable, "QP302 certificate: ", "let the controller trust")
	})
	trustQuay(t, ctx)
	waitUntil(t, ctx, "the controller trusts Quay", func() bool {
		_, custom := ask(t, ctx, asking(platform, s.Quay.Host+"/team-platform/not-made", "true"))
		return stage.Outcome(custom.Status.Conditions).Reason == v1alpha1.ReasonRepositoryMissing
	})

	client, err := quay.New(quay.Options{URL: "https://" + s.Quay.Host, Token: secret.New(s.Quay.OAuthToken()), HTTPClient: s.Quay.Client()})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("no repository", func(t *testing.T) {
		refused(t, asking(platform, s.Quay.Host+"/team-platform/not-made", "true"), v1alpha1.ReasonRepositoryMissing,
			"QP103 no-access: "+s.Quay.Host+"/team-platform/not-made does not exist, or robot", "has []", "allow-new")
		if repositories, err := client.Repositories(ctx, "team-platform"); err != nil || slices.ContainsFunc(repositories, func(r quay.Repository) bool { return strings.HasSuffix(r.Name, "not-made") }) {
			t.Errorf("repositories %+v, %v", repositories, err)
		}
	})
	t.Run("a right that was taken", func(t *testing.T) {
		const repository, robot = "team-platform/sample", "team-platform+ci"
		t.Cleanup(func() {
			if err := client.SetPermission(context.Background(), repository, robot, quay.Write); err != nil {
				t.Error(err)
			}
		})
		if err := client.SetPermission(ctx, repository, robot, quay.Read); err != nil {
			t.Fatal(err)
		}
		refused(t, asking(platform, platform.Repository, "true"), v1alpha1.ReasonPushDenied, "QP102 push-denied: ", `has ["pull"] and needs push`, "give the robot Write on "+repository)
	})
	t.Run("a token that was replaced", func(t *testing.T) {
		stale := fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, s.Quay.Host, base64.StdEncoding.EncodeToString([]byte("team-platform+ci:before")))
		t.Cleanup(func() {
			if err := s.PutSecret(context.Background(), platform, platform.Secret, corev1.SecretTypeDockerConfigJson, s.Quay.Dockerconfig(platform.Team)); err != nil {
				t.Error(err)
			}
		})
		if err := s.PutSecret(ctx, platform, platform.Secret, corev1.SecretTypeDockerConfigJson, stale); err != nil {
			t.Fatal(err)
		}
		refused(t, asking(platform, platform.Repository, "true"), v1alpha1.ReasonRobotRefused, "QP101 credential-refused: ", "let the Secret follow Vault")
	})
	t.Run("another team's repository", func(t *testing.T) {
		refused(t, asking(platform, stage.Payments.Repository, "true"), v1alpha1.ReasonImageOutsideOrganization, "rule image")
	})
	t.Run("who may push pushes", func(t *testing.T) {
		run, custom := ask(t, ctx, stage.From(claim, asking(stage.Payments, stage.Payments.Repository, "true")))
		if outcome := stage.Outcome(custom.Status.Conditions); outcome.Status != corev1.ConditionTrue || !strings.Contains(outcome.Message, "could begin now") {
			t.Errorf("the question: %s: %s", outcome.Reason, outcome.Message)
		}
		if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
			t.Errorf("the run: %s: %s", outcome.Reason, outcome.Message)
		}
	})
}
