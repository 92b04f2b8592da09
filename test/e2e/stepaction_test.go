//go:build e2e

package e2e

import (
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// A Task builds and pushes in one Pod, with the StepAction as its README says: no workspace, and the results are the step's.
func TestStepAction(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	tenant := stage.Payments
	build, err := s.Tekton.TektonV1().Tasks(tenant.Namespace).Get(ctx, "build-image", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	step := build.Spec.Steps[0]
	step.Args = []string{"--output=/workspace/image", "--message=stepaction"}
	value := func(name, value string) pipelinev1.Param {
		return pipelinev1.Param{Name: name, Value: *pipelinev1.NewStructuredValues(value)}
	}
	run := &pipelinev1.TaskRun{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "stepaction-", Namespace: tenant.Namespace},
		Spec: pipelinev1.TaskRunSpec{
			Timeout: &metav1.Duration{Duration: 2 * time.Minute},
			TaskSpec: &pipelinev1.TaskSpec{
				Results: []pipelinev1.TaskResult{{Name: v1alpha1.ResultImageDigest, Value: pipelinev1.NewStructuredValues("$(steps.push.results.IMAGE_DIGEST)")}},
				Steps: []pipelinev1.Step{step, {Name: "push", Ref: &pipelinev1.Ref{Name: "push-image"}, Params: pipelinev1.Params{
					value("source", "oci:/workspace/image"), value("image-ref", tenant.Repository), value("tag", "stepaction"), value("dockerconfig-volume", "dockerconfig")}}},
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
	served, err := s.Quay.TagDigest(ctx, tenant.Repository, "stepaction")
	if err != nil || len(run.Status.Results) != 1 || served == "" || run.Status.Results[0].Value.StringVal != served {
		t.Errorf("results %v, Quay serves %q, %v", run.Status.Results, served, err)
	}
}
