package simulator

import (
	"fmt"
	"strings"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

// write is one of the writes of a TaskRun's status.
type write func(status *pipelinev1.TaskRunStatus, now metav1.Time)

// profile is what Tekton writes of a TaskRun from its start to its success: eleven times (tektoncd/pipeline#10322). The
// status grows as a real one does, with the Task's own spec in it.
func profile(task *pipelinev1.Task, repository string) []write {
	running := func(reason, message string) write {
		return func(status *pipelinev1.TaskRunStatus, _ metav1.Time) {
			status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionUnknown, Reason: reason, Message: message})
		}
	}
	return []write{
		func(status *pipelinev1.TaskRunStatus, now metav1.Time) {
			status.StartTime = &now
			running("Started", "")(status, now)
		},
		running("ResolvingTaskRef", "TaskRun is resolving Task push-image-quay"),
		func(status *pipelinev1.TaskRunStatus, _ metav1.Time) {
			status.TaskSpec = task.Spec.DeepCopy()
			status.Provenance = &pipelinev1.Provenance{RefSource: &pipelinev1.RefSource{
				URI: "/apis/tekton.dev/v1/namespaces/openshift-pipelines/task/push-image-quay@uid", Digest: map[string]string{"sha256": digest}}}
		},
		func(status *pipelinev1.TaskRunStatus, now metav1.Time) {
			status.PodName = "a-pod-of-the-task"
			running("Pending", "Pending")(status, now)
		},
		running("Pending", `pod status "Initialized":"False"; message: "containers with incomplete status: [prepare place-scripts]"`),
		running("Pending", `pod status "Ready":"False"; message: "containers with unready status: [step-push]"`),
		func(status *pipelinev1.TaskRunStatus, now metav1.Time) {
			step := pipelinev1.StepState{Name: "push", Container: "step-push"}
			step.Waiting = &corev1.ContainerStateWaiting{Reason: "PodInitializing"}
			status.Steps = []pipelinev1.StepState{step}
			running("Running", "Not all Steps in the Task have finished executing")(status, now)
		},
		func(status *pipelinev1.TaskRunStatus, now metav1.Time) {
			status.Steps[0].ImageID = "registry.example.com/push-image@sha256:" + digest
			status.Steps[0].ContainerState = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
		},
		running("Running", "Not all Steps in the Task have finished executing yet"),
		func(status *pipelinev1.TaskRunStatus, now metav1.Time) {
			status.Steps[0].ContainerState = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				StartedAt: now, FinishedAt: now, Reason: "Completed", ContainerID: "containerd://" + digest}}
		},
		func(status *pipelinev1.TaskRunStatus, now metav1.Time) {
			status.Results, status.Steps[0].Results = results(repository), results(repository)
			status.CompletionTime = &now
			status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionTrue, Reason: "Succeeded",
				Message: "All Steps have completed executing"})
		},
	}
}

var digest = strings.Repeat("0123456789abcdef", 4)

// results are those of a push, as long as real ones.
func results(repository string) (all []pipelinev1.TaskRunResult) {
	values := map[string]string{
		v1alpha1.ResultImageURL: repository + ":v1", v1alpha1.ResultImageDigest: "sha256:" + digest, v1alpha1.ResultDigest: "sha256:" + digest,
		v1alpha1.ResultImageRef: repository, v1alpha1.ResultPinned: repository + "@sha256:" + digest,
		v1alpha1.ResultOverlay: fmt.Sprintf(`{"name":%q,"newName":%q,"digest":"sha256:%s"}`, "app", repository, digest),
	}
	for _, name := range v1alpha1.Results {
		all = append(all, pipelinev1.TaskRunResult{Name: name, Type: pipelinev1.ResultsTypeString, Value: *pipelinev1.NewStructuredValues(values[name])})
	}
	return all
}
