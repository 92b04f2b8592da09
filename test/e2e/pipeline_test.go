//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	pipelinepod "github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// resolve is a pipeline task that ends at once.
func resolve(name string) pipelinev1.PipelineTask {
	return pipelinev1.PipelineTask{Name: name, TaskRef: &pipelinev1.TaskRef{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KindResolveTenant}}
}

// neverStarts makes the Pod of every task one that no node takes.
func neverStarts(run *pipelinev1.PipelineRun) {
	run.Spec.TaskRunTemplate.PodTemplate = &pipelinepod.Template{NodeSelector: map[string]string{"no-node": "has-this"}}
}

// A matrix, a finally task, a when that is false, and a result of the pipeline, with the custom task as with any other.
func TestPipelineShapes(t *testing.T) {
	ctx := within(t, 4*time.Minute)
	run := pushOnly(stage.Payments, stage.Payments.Repository)
	run.Spec.Workspaces[0] = pipelinev1.WorkspaceBinding{Name: "source", PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: imageVolume(t, ctx)}}
	push := run.Spec.PipelineSpec.Tasks[0]
	many, skipped, last := push, push, push
	many.Name, many.Matrix = "many", &pipelinev1.Matrix{Params: pipelinev1.Params{{Name: v1alpha1.ParamTag, Value: *pipelinev1.NewStructuredValues("m0", "m1", "m2")}}}
	skipped.Name, skipped.When = "skipped", pipelinev1.WhenExpressions{{Input: "a", Operator: selection.In, Values: []string{"b"}}}
	last.Name, last.Params = "last", append(pipelinev1.Params{{Name: v1alpha1.ParamTag, Value: *pipelinev1.NewStructuredValues("last")}}, push.Params...)
	run.Spec.PipelineSpec.Tasks = []pipelinev1.PipelineTask{push, many, skipped}
	run.Spec.PipelineSpec.Finally = []pipelinev1.PipelineTask{last}
	run.Spec.PipelineSpec.Results = []pipelinev1.PipelineResult{{Name: "digest", Value: *pipelinev1.NewStructuredValues("$(tasks.push.results.IMAGE_DIGEST)")}}
	run, err := s.Run(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
		t.Fatalf("%s: %s", outcome.Reason, outcome.Message)
	}
	digest := stage.Results(run)["digest"]
	for _, tag := range []string{"m0", "m1", "m2", "last"} {
		if served, err := s.Quay.TagDigest(ctx, stage.Payments.Repository, tag); err != nil || digest == "" || served != digest {
			t.Errorf("tag %s: %q, %v, the pipeline's result is %q", tag, served, err, digest)
		}
	}
	if len(run.Status.SkippedTasks) != 1 || run.Status.SkippedTasks[0].Name != "skipped" {
		t.Errorf("skipped %v", run.Status.SkippedTasks)
	}
	names := map[string]bool{}
	for _, child := range run.Status.ChildReferences {
		if child.Kind != "CustomRun" {
			t.Errorf("the PipelineRun lists %s %s", child.Kind, child.Name)
		}
		names[child.Name] = true
	}
	for _, suffix := range []string{"push", "many-0", "many-1", "many-2", "last"} {
		if !names[run.Name+"-"+suffix] {
			t.Errorf("no CustomRun %s-%s in %v", run.Name, suffix, names)
		}
	}
}

// A graceful cancel: the TaskRun is stopped, then the CustomRun ends, then the finally task runs.
func TestPipelineCancelledGracefully(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	run := pushOnly(stage.Payments, stage.Payments.Repository)
	neverStarts(run)
	run.Spec.PipelineSpec.Finally = []pipelinev1.PipelineTask{resolve("last")}
	runs := s.Tekton.TektonV1().PipelineRuns(run.Namespace)
	run, err := runs.Create(ctx, run, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	waitForTaskRun(t, ctx, run)
	if _, err := runs.Patch(ctx, run.Name, types.MergePatchType, []byte(`{"spec":{"status":"CancelledRunFinally"}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if run, err = s.Wait(ctx, run); err != nil {
		t.Fatal(err)
	}
	custom, err := s.CustomRunOf(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(custom.Status.Conditions); outcome.Reason != "CustomRunCancelled" {
		t.Errorf("the push ended with %s: %s", outcome.Reason, outcome.Message)
	}
	last, err := s.Tekton.TektonV1beta1().CustomRuns(run.Namespace).Get(ctx, run.Name+"-last", metav1.GetOptions{})
	if err != nil || !last.IsSuccessful() || last.CreationTimestamp.Before(custom.Status.CompletionTime) {
		t.Errorf("the finally task: %v, %+v", err, last.Status)
	}
}

// The timeout of a pipeline task, the retries of one, and what is left when the PipelineRun is deleted.
func TestPipelineTimeoutRetriesAndGarbage(t *testing.T) {
	ctx := within(t, 4*time.Minute)
	late := pushOnly(stage.Payments, stage.Payments.Repository)
	neverStarts(late)
	late.Spec.PipelineSpec.Tasks[0].Timeout = &metav1.Duration{Duration: 5 * time.Second}
	late, err := s.Run(ctx, late)
	if err != nil {
		t.Fatal(err)
	}
	if custom, err := s.CustomRunOf(ctx, late); err != nil || stage.Outcome(custom.Status.Conditions).Reason != "CustomRunTimedOut" {
		t.Errorf("timeout: %v, %+v", err, custom.Status.Conditions)
	}
	// Its workspace is empty, so that each attempt fails.
	again := pushOnly(stage.Payments, stage.Payments.Repository)
	again.Spec.PipelineSpec.Tasks[0].Retries = 1
	if again, err = s.Run(ctx, again); err != nil {
		t.Fatal(err)
	}
	custom, err := s.CustomRunOf(ctx, again)
	if err != nil || len(custom.Status.RetriesStatus) != 1 || !custom.IsFailure() {
		t.Errorf("retries: %v, %+v", err, custom.Status)
	}
	if err := s.Tekton.TektonV1().PipelineRuns(again.Namespace).Delete(ctx, again.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, ctx, "everything of the PipelineRun is gone", func() bool {
		_, runErr := s.CustomRunOf(ctx, again)
		_, taskErr := s.Tekton.TektonV1().TaskRuns(again.Namespace).Get(ctx, custom.Name, metav1.GetOptions{})
		pods, err := s.PodsOf(ctx, custom)
		return apierrs.IsNotFound(runErr) && apierrs.IsNotFound(taskErr) && err == nil && pods == 0
	})
}

// What the controller may do is what its code calls, and no more (research/tekton.md §3.7).
func TestControllerRights(t *testing.T) {
	ctx := within(t, time.Minute)
	for right, want := range map[[3]string]bool{
		{"get", "tekton.dev", "pipelineruns"}: true, {"list", "tekton.dev", "pipelineruns"}: false, {"update", "tekton.dev", "pipelineruns"}: false,
		{"watch", "tekton.dev", "customruns"}: true, {"update", "tekton.dev", "customruns/status"}: true, {"update", "tekton.dev", "customruns"}: false,
		{"patch", "tekton.dev", "customruns"}: false, {"delete", "tekton.dev", "customruns"}: false,
		{"create", "tekton.dev", "taskruns"}: true, {"patch", "tekton.dev", "taskruns"}: true, {"delete", "tekton.dev", "taskruns"}: false,
		{"get", "", "secrets"}: false, {"list", "", "secrets"}: false, {"watch", "", "secrets"}: false, {"create", "", "secrets"}: false,
		{"create", "", "pods"}: false, {"list", "", "namespaces"}: true, {"update", "", "namespaces"}: false,
		{"list", "admissionregistration.k8s.io", "validatingadmissionpolicies"}: true, {"update", "admissionregistration.k8s.io", "validatingadmissionpolicies"}: false,
	} {
		got, err := may(ctx, "system:serviceaccount:quay-push:controller", "default", right[0], right[1], right[2], nil)
		if err != nil || got != want {
			t.Errorf("%v: allowed %v, %v, want %v", right, got, err, want)
		}
	}
}

func waitForTaskRun(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun) {
	t.Helper()
	waitUntil(t, ctx, fmt.Sprintf("TaskRun %s-push is there", run.Name), func() bool {
		_, err := s.Tekton.TektonV1().TaskRuns(run.Namespace).Get(ctx, run.Name+"-push", metav1.GetOptions{})
		return err == nil
	})
}

// waitUntil asks again until holds, or ctx ends.
func waitUntil(t *testing.T, ctx context.Context, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waiting until %s: %v", what, ctx.Err())
		case <-tick.C:
		}
	}
}
