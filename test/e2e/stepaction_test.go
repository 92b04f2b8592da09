//go:build e2e

package e2e

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// A Task builds and pushes in one Pod, with the StepAction as its README says, of its namespace and of the bundle: no workspace, and the
// results are the step's.
func TestStepAction(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	shipped := pushShipped(t, ctx)
	for tag, ref := range map[string]pipelinev1.Ref{
		"stepaction":        {Name: "push-image"},
		"stepaction-bundle": {ResolverRef: bundled(shipped, "stepaction", "push-image")},
	} {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			run := runStep(t, ctx, ref, tag)
			served, err := s.Quay.TagDigest(ctx, stage.Payments.Repository, tag)
			if err != nil || len(run.Status.Results) != 1 || served == "" || run.Status.Results[0].Value.StringVal != served {
				t.Errorf("results %v, Quay serves %q, %v", run.Status.Results, served, err)
			}
			if ref.Resolver == "" {
				return
			}
			pushed := slices.IndexFunc(run.Status.Steps, func(s pipelinev1.StepState) bool { return s.Name == "push" })
			if pushed < 0 || run.Status.Steps[pushed].Provenance == nil {
				t.Fatalf("the step says not where it is from: %+v", run.Status.Steps)
			}
			if diff := cmp.Diff(sourceIn(shipped, "push-image"), run.Status.Steps[pushed].Provenance.RefSource); diff != "" {
				t.Errorf("source (-want +got):\n%s", diff)
			}
		})
	}
}

// runStep runs a Task whose step push is the StepAction to its end.
func runStep(t *testing.T, ctx context.Context, ref pipelinev1.Ref, tag string) *pipelinev1.TaskRun {
	t.Helper()
	tenant := stage.Payments
	build, err := s.Tekton.TektonV1().Tasks(tenant.Namespace).Get(ctx, "build-image", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	step := build.Spec.Steps[0]
	step.Args = []string{"--output=/workspace/image", "--message=" + tag}
	value := func(name, value string) pipelinev1.Param {
		return pipelinev1.Param{Name: name, Value: *pipelinev1.NewStructuredValues(value)}
	}
	run := &pipelinev1.TaskRun{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "stepaction-", Namespace: tenant.Namespace},
		Spec: pipelinev1.TaskRunSpec{
			Timeout: &metav1.Duration{Duration: 2 * time.Minute},
			TaskSpec: &pipelinev1.TaskSpec{
				Results: []pipelinev1.TaskResult{{Name: v1alpha1.ResultImageDigest, Value: pipelinev1.NewStructuredValues("$(steps.push.results.IMAGE_DIGEST)")}},
				Steps: []pipelinev1.Step{step, {Name: "push", Ref: &ref, Params: pipelinev1.Params{
					value("source", "oci:/workspace/image"), value("image-ref", tenant.Repository), value("tag", tag), value("dockerconfig-volume", "dockerconfig")}}},
				Volumes: []corev1.Volume{{Name: "dockerconfig", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
					{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: tenant.Secret},
						Items: []corev1.KeyToPath{{Key: corev1.DockerConfigJsonKey, Path: "config.json"}}}},
					{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "config-trusted-cabundle"},
						Items: []corev1.KeyToPath{{Key: "ca-bundle.crt", Path: "ca/ca-bundle.crt"}}}},
				}}}}},
			},
		},
	}
	runs := s.Tekton.TektonV1().TaskRuns(tenant.Namespace)
	if run, err = runs.Create(ctx, run, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if run, err = s.WaitTaskRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
		t.Fatalf("%s: %s", outcome.Reason, outcome.Message)
	}
	return run
}
