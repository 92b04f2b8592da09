package pushimage

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"go.opentelemetry.io/otel/propagation"
)

const (
	labelCustomRun   = "tekton.dev/customRun"
	spanContext      = "tekton.dev/pipelinerunSpanContext"
	childSpanContext = "tekton.dev/taskrunSpanContext"
)

// identity are the labels by which Tekton's tools, and whoever looks into what a Pod did, find the run that it is of. They come
// from the PipelineRun that was proved to be the owner, and not from the CustomRun's own labels, which can name any run.
func identity(run *v1beta1.CustomRun, owner *pipelinev1.PipelineRun) map[string]string {
	labels := map[string]string{labelCustomRun: run.Name}
	if owner == nil {
		return labels
	}
	labels[pipeline.PipelineRunLabelKey], labels[pipeline.PipelineRunUIDLabelKey] = owner.Name, string(owner.UID)
	if name := owner.Labels[pipeline.PipelineLabelKey]; name != "" {
		labels[pipeline.PipelineLabelKey] = name
	}
	if task := pipelineTask(run, owner); task != "" {
		labels[pipeline.PipelineTaskLabelKey], labels[pipeline.MemberOfLabelKey] = task, memberOf(owner, task)
	}
	return labels
}

// pipelineTask is the task of the pipeline that the owner made the run for.
func pipelineTask(run *v1beta1.CustomRun, owner *pipelinev1.PipelineRun) string {
	for _, child := range owner.Status.ChildReferences {
		if child.Kind == "CustomRun" && child.Name == run.Name {
			return child.PipelineTaskName
		}
	}
	return ""
}

func memberOf(owner *pipelinev1.PipelineRun, task string) string {
	if spec := owner.Status.PipelineSpec; spec != nil && slices.ContainsFunc(spec.Finally, func(t pipelinev1.PipelineTask) bool { return t.Name == task }) {
		return pipelinev1.PipelineFinallyTasks
	}
	return pipelinev1.PipelineTasks
}

// longestTrace is the most that a span context may be, in bytes.
const longestTrace = 512

// trace makes the TaskRun a part of the PipelineRun's trace. A PipelineRun's annotations are its author's: what is handed on was
// read as a W3C trace context, and written anew.
func trace(task *pipelinev1.TaskRun, owner *pipelinev1.PipelineRun) {
	carrier := propagation.MapCarrier(owner.Status.SpanContext)
	if text := owner.Annotations[spanContext]; text != "" {
		carrier = nil
		if len(text) > longestTrace || json.Unmarshal([]byte(text), &carrier) != nil {
			return
		}
	}
	read, written := propagation.TraceContext{}, propagation.MapCarrier{}
	read.Inject(read.Extract(context.Background(), carrier), written)
	if len(written) == 0 {
		return
	}
	encoded, err := json.Marshal(written)
	if err == nil && len(encoded) <= longestTrace {
		task.Annotations[childSpanContext] = string(encoded)
	}
}
