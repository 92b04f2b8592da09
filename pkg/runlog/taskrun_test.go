package runlog_test

import (
	"io"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// Each try of a task has a Pod.
func TestEachTryIsShown(t *testing.T) {
	w := newWorld(t)
	w.child("TaskRun", "build-build", "build")
	run := w.taskRun(namespace, "build-build", "try-2", 0, "build")
	run.Status.RetriesStatus = []pipelinev1.TaskRunStatus{{TaskRunStatusFields: pipelinev1.TaskRunStatusFields{PodName: "try-1"}}}
	must(t, w.tekton.Tracker().Update(pipelinev1.SchemeGroupVersion.WithResource("taskruns"), run, namespace))
	w.pod(namespace, "try-1", corev1.PodFailed, "build")
	w.logs["try-1/step-build"] = []io.Reader{log("no space left")}
	w.logs["try-2/step-build"] = []io.Reader{log("built")}
	w.end()
	_, err := w.follow(t.Context())
	must(t, err)
	w.wants("[build : build] no space left\n[build : build] built\n", "")
}

// A task that gets no Pod says why it waits, once, and why it failed.
func TestTaskWithoutAPodSaysWhy(t *testing.T) {
	w := newWorld(t)
	w.child("TaskRun", "build-build", "build")
	run := &pipelinev1.TaskRun{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "build-build", CreationTimestamp: metav1.NewTime(noon)}}
	looks := 0
	w.tekton.PrependReactor("get", "taskruns", func(clienttesting.Action) (bool, runtime.Object, error) {
		switch looks++; looks {
		case 2:
			run.Status.Conditions = condition(corev1.ConditionUnknown, "ExceededResourceQuota", "quota pods is used up")
		case 5:
			run.Status.Conditions = condition(corev1.ConditionFalse, "TaskRunTimeout", "it took longer than 1h")
			w.end()
		}
		return true, run.DeepCopy(), nil
	})
	_, err := w.follow(t.Context())
	must(t, err)
	w.wants("", "[build] waiting: quota pods is used up\n[build] TaskRunTimeout: it took longer than 1h\n")
}

// A Pod that is not scheduled, or whose image does not come, says so; then its steps are read as they start.
func TestPodThatWaitsSaysWhy(t *testing.T) {
	w := newWorld(t)
	w.child("TaskRun", "build-build", "build")
	w.taskRun(namespace, "build-build", "build-pod", 0, "build")
	w.logs["build-pod/step-build"] = []io.Reader{log("built")}
	looks := 0
	w.kube.PrependReactor("get", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "build-pod"},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "step-build"}}}, Status: corev1.PodStatus{Phase: corev1.PodPending}}
		state := func(s corev1.ContainerState) {
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "step-build", State: s}}
		}
		switch looks++; {
		case looks < 4:
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/1 nodes are available"}}
		case looks < 6:
			state(corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}})
		case looks < 8:
			state(corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(noon.Add(time.Minute))}})
		default:
			state(corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}})
		}
		return true, pod, nil
	})
	w.end()
	_, err := w.follow(t.Context())
	must(t, err)
	w.wants("[build : build] built\n", "[build] waiting: 0/1 nodes are available\n[build] waiting: ImagePullBackOff: no such image\n")
}
