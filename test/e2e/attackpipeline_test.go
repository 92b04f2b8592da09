//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// The Pipelines of the platform's that the victim's runs are of: build takes buildTakes; push is a Task, or a PushImage; what comes after it
// prints what it got.
const (
	taskPipeline, pushPipeline = "attack-task", "attack-push"
	buildTakes                 = 15 * time.Second
)

var realDigest, evilDigest = "sha256:" + strings.Repeat("a", 64), "sha256:" + strings.Repeat("e", 64)

var sourceDeclared = []pipelinev1.PipelineWorkspaceDeclaration{{Name: "source"}}

// push is a task that pushes to the victim's repository.
func push(name string) pipelinev1.PipelineTask {
	task := stage.NewPush(victim, victim.Repository).Spec.PipelineSpec.Tasks[0]
	task.Name = name
	return task
}

// putPipelines puts the Pipelines that the victim's runs are of where the platform has them.
func (f *playground) putPipelines(t *testing.T) {
	t.Helper()
	digest := pipelinev1.NewStructuredValues("$(tasks.push.results." + v1alpha1.ResultImageDigest + ")")
	task := func(name string, spec pipelinev1.TaskSpec) pipelinev1.PipelineTask {
		return pipelinev1.PipelineTask{Name: name, TaskSpec: &pipelinev1.EmbeddedTask{TaskSpec: spec}}
	}
	build := task("build", pipelinev1.TaskSpec{Steps: []pipelinev1.Step{f.step("sleep", buildTakes.String())}})
	result := task("push", pipelinev1.TaskSpec{Results: []pipelinev1.TaskResult{{Name: v1alpha1.ResultImageDigest}},
		Steps: []pipelinev1.Step{f.step("result", v1alpha1.ResultImageDigest+"="+realDigest)}})
	result.RunAfter = []string{"build"}
	// A file of this name is not there, and cat says so by its name.
	overlay := task("update-overlay", pipelinev1.TaskSpec{Params: pipelinev1.ParamSpecs{{Name: "digest", Type: pipelinev1.ParamTypeString}},
		Steps: []pipelinev1.Step{f.step("cat", "$(params.digest)")}})
	overlay.Params = pipelinev1.Params{{Name: "digest", Value: *digest}}
	custom := push("push")
	custom.RunAfter = []string{"build"}
	publish(t, taskPipeline, pipelinev1.PipelineSpec{Workspaces: sourceDeclared, Tasks: []pipelinev1.PipelineTask{build, result, overlay},
		Results: []pipelinev1.PipelineResult{{Name: v1alpha1.ResultImageDigest, Value: *digest}}})
	publish(t, pushPipeline, pipelinev1.PipelineSpec{Workspaces: sourceDeclared, Tasks: []pipelinev1.PipelineTask{build, custom}})
}
