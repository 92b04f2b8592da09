//go:build e2e

package e2e

import (
	"slices"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// What the runs of a build left, one for each platform, is pushed as one index, be the sources a list or a string.
func TestSeveralPlatforms(t *testing.T) {
	ctx := within(t, 10*time.Minute)
	tenant := stage.Payments
	task, err := s.Tekton.TektonV1().Tasks(tenant.Namespace).Get(ctx, "build-image", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var steps []pipelinev1.Step
	for _, architecture := range []string{"arm64", "amd64"} {
		step := *task.Spec.Steps[0].DeepCopy()
		step.Name = architecture
		step.Args = []string{"--output=$(workspaces.source.path)/image-" + architecture, "--message=platforms", "--architecture=" + architecture}
		steps = append(steps, step)
	}
	digests := map[string]bool{}
	for tag, source := range map[string]*pipelinev1.ParamValue{
		"platforms-list":   pipelinev1.NewStructuredValues("image-arm64", "oci:image-amd64"),
		"platforms-string": pipelinev1.NewStructuredValues("image-arm64, image-amd64"),
	} {
		run := stage.NewRun(tenant, "", nil)
		push := stage.NewPush(tenant, tenant.Repository).Spec.PipelineSpec.Tasks[0]
		push.RunAfter = []string{"build"}
		push.Params = append(push.Params, pipelinev1.Param{Name: v1alpha1.ParamTag, Value: *pipelinev1.NewStructuredValues(tag)},
			pipelinev1.Param{Name: v1alpha1.ParamSource, Value: *source})
		build := pipelinev1.PipelineTask{Name: "build", Workspaces: push.Workspaces, TaskSpec: &pipelinev1.EmbeddedTask{TaskSpec: pipelinev1.TaskSpec{
			Workspaces: []pipelinev1.WorkspaceDeclaration{{Name: "source"}}, Steps: steps}}}
		run.Spec.PipelineRef, run.Spec.PipelineSpec = nil, &pipelinev1.PipelineSpec{Workspaces: sourceDeclared, Tasks: []pipelinev1.PipelineTask{build, push}}
		if run, err = s.Run(ctx, run); err != nil {
			t.Fatal(err)
		}
		if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
			t.Fatalf("%s: %s: %s", tag, outcome.Reason, outcome.Message)
		}
		if platforms, err := s.Quay.Platforms(ctx, tenant.Repository, tag); err != nil || !slices.Equal(platforms, []string{"linux/arm64", "linux/amd64"}) {
			t.Errorf("%s is for %q (%v)", tag, platforms, err)
		}
		digest, err := s.Quay.TagDigest(ctx, tenant.Repository, tag)
		if err != nil {
			t.Fatal(err)
		}
		digests[digest] = true
	}
	if len(digests) != 1 {
		t.Errorf("the same sources are %v", digests)
	}
}
