package reconcilertest

import (
	"math/rand/v2"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/apis"
)

// evicted is the one end of a TaskRun from which it can come back.
const evicted = "PodEvicted"

// Advance returns the TaskRun after one thing that Tekton's controller could do to it now, drawn from random; nil if there is
// nothing: it starts, goes on, ends well or badly, is tried again, is stopped, times out, is evicted and comes back.
func Advance(task *pipelinev1.TaskRun, random *rand.Rand, now time.Time) *pipelinev1.TaskRun {
	task = task.DeepCopy()
	why := task.Status.GetCondition(apis.ConditionSucceeded)
	switch {
	case task.DeletionTimestamp != nil:
		return nil // Tekton does not look at it.
	case task.IsDone() && why.Reason == evicted && !task.IsCancelled() && random.IntN(3) == 0:
		return going(task, "Running")
	case task.IsDone():
		return nil
	case task.IsCancelled() && random.IntN(4) > 0:
		return Finish(task, corev1.ConditionFalse, "TaskRunCancelled", "cancelled")
	case task.Status.StartTime == nil:
		task.Status.StartTime = &metav1.Time{Time: now}
		return going(task, "Started")
	case task.Spec.Timeout != nil && task.Spec.Timeout.Duration > 0 && now.Sub(task.Status.StartTime.Time) > task.Spec.Timeout.Duration:
		return failed(task, "TaskRunTimeout", now)
	}
	switch random.IntN(8) {
	case 0:
		return Finish(task, corev1.ConditionFalse, evicted, "the node was low on memory")
	case 1, 2:
		return Finish(task, corev1.ConditionTrue, "Succeeded", "All Steps have completed executing")
	case 3:
		return failed(task, "Failed", now)
	}
	return going(task, "Running")
}

func going(task *pipelinev1.TaskRun, reason string) *pipelinev1.TaskRun {
	task.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionUnknown, Reason: reason})
	return task
}

// failed ends the attempt, and the TaskRun if it was the last. The next one's start is not known at once, as in Tekton.
func failed(task *pipelinev1.TaskRun, reason string, now time.Time) *pipelinev1.TaskRun {
	task = Finish(task, corev1.ConditionFalse, reason, reason)
	if len(task.Status.RetriesStatus) >= task.Spec.Retries {
		return task
	}
	attempt := task.Status.DeepCopy()
	attempt.RetriesStatus, attempt.CompletionTime = nil, &metav1.Time{Time: now}
	task.Status.RetriesStatus = append(task.Status.RetriesStatus, *attempt)
	task.Status.StartTime = nil
	return going(task, "ToBeRetried")
}

// CollectGarbage deletes one object whose owner is gone, and reports whether there was any.
func (w *World) CollectGarbage() bool {
	w.t.Helper()
	alive := map[types.UID]bool{}
	resources := []func() []runtime.Object{
		w.lister(w.tekton, pipelinev1.SchemeGroupVersion.WithResource("pipelineruns"), "PipelineRun"),
		w.lister(w.tekton, v1beta1.SchemeGroupVersion.WithResource("customruns"), "CustomRun"),
		w.lister(w.tekton, pipelinev1.SchemeGroupVersion.WithResource("taskruns"), "TaskRun"),
		w.lister(w.kube, corev1.SchemeGroupVersion.WithResource("secrets"), "Secret"),
	}
	for _, list := range resources {
		for _, object := range list() { // Owners come before what they own.
			owners := metadata(object).GetOwnerReferences()
			if len(owners) > 0 && !alive[owners[0].UID] {
				w.Delete(object)
				return true
			}
			alive[metadata(object).GetUID()] = true
		}
	}
	return false
}
