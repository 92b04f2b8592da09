//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/test/stage"
)

// Every push of the custom task leaves an anchor, so that a tag that moves on leaves the digest before to that; the param turns it off.
func TestAnchor(t *testing.T) {
	ctx := within(t, 10*time.Minute)
	tenant := stage.Payments
	const tag = "anchored"
	first := pushBuilt(t, ctx, tenant, "anchor one", tag, "")
	second := pushBuilt(t, ctx, tenant, "anchor two", tag, "true")
	third := pushBuilt(t, ctx, tenant, "anchor three", tag, "false")
	for name, want := range map[string]string{tag: third, reference.Anchor(first): first, reference.Anchor(second): second, reference.Anchor(third): ""} {
		if got, err := s.Quay.TagDigest(ctx, tenant.Repository, name); err != nil || got != want {
			t.Errorf("tag %s is %q (%v), want %q", name, got, err, want)
		}
	}
}

// pushBuilt builds an image of its own and pushes it under tag, with the param anchor unless that is empty. It returns the digest.
func pushBuilt(t *testing.T, ctx context.Context, tenant stage.Tenant, message, tag, anchor string) string {
	t.Helper()
	task, err := s.Tekton.TektonV1().Tasks(tenant.Namespace).Get(ctx, "build-image", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	step := *task.Spec.Steps[0].DeepCopy()
	step.Args = []string{"--output=$(workspaces.source.path)/image", "--message=" + message}
	push := stage.NewPush(tenant, tenant.Repository).Spec.PipelineSpec.Tasks[0]
	push.RunAfter = []string{"build"}
	push.Params = append(push.Params, pipelinev1.Param{Name: v1alpha1.ParamTag, Value: *pipelinev1.NewStructuredValues(tag)})
	if anchor != "" {
		push.Params = append(push.Params, pipelinev1.Param{Name: v1alpha1.ParamAnchor, Value: *pipelinev1.NewStructuredValues(anchor)})
	}
	build := pipelinev1.PipelineTask{Name: "build", Workspaces: push.Workspaces, TaskSpec: &pipelinev1.EmbeddedTask{TaskSpec: pipelinev1.TaskSpec{
		Workspaces: []pipelinev1.WorkspaceDeclaration{{Name: "source"}}, Steps: []pipelinev1.Step{step}}}}
	run := stage.NewRun(tenant, "", nil)
	run.Spec.PipelineRef, run.Spec.PipelineSpec = nil, &pipelinev1.PipelineSpec{Workspaces: sourceDeclared, Tasks: []pipelinev1.PipelineTask{build, push}}
	if run, err = s.Run(ctx, run); err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
		t.Fatalf("%s: %s: %s", message, outcome.Reason, outcome.Message)
	}
	digest, err := s.Quay.TagDigest(ctx, tenant.Repository, tag)
	if err != nil || digest == "" {
		t.Fatalf("%s: tag %s is %q (%v)", message, tag, digest, err)
	}
	return digest
}
