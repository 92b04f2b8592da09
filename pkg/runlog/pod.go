package runlog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// stepPrefix begins the names of the containers that are steps (tektoncd/pipeline pkg/pod, stepPrefix).
const stepPrefix = "step-"

// pod prints the steps of one try, in the order of the Task.
func (f *Follower) pod(ctx context.Context, of reference, name string) error {
	pod, err := f.readPod(ctx, of.namespace, name)
	if apierrs.IsNotFound(err) {
		f.tell(of.task, fmt.Sprintf("Pod %q was deleted, and its log with it", name))
		return nil
	} else if err != nil {
		return err
	}
	for _, container := range pod.Spec.Containers {
		step, ok := strings.CutPrefix(container.Name, stepPrefix)
		if !ok {
			continue
		}
		started, err := f.awaitStart(ctx, of, name, container.Name)
		if apierrs.IsNotFound(err) {
			f.tell(of.task, fmt.Sprintf("Pod %q was deleted, and its log with it", name))
			return nil
		} else if err != nil || !started {
			return err
		}
		if err := f.container(ctx, of, name, container.Name, step); err != nil {
			return err
		}
	}
	return nil
}

func (f *Follower) readPod(ctx context.Context, namespace, name string) (*corev1.Pod, error) {
	pod, err := f.Kube.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading Pod %q: %w", namespace+"/"+name, err)
	}
	return pod, nil
}

// awaitStart waits until a container has something to say; started is false if it never will, or nobody waits.
func (f *Follower) awaitStart(ctx context.Context, of reference, name, container string) (started bool, err error) {
	var told string
	for {
		pod, err := f.readPod(ctx, of.namespace, name)
		if err != nil {
			return false, err
		}
		state := stateOf(pod, container)
		if state.Running != nil || state.Terminated != nil {
			return true, nil
		}
		if over(pod) || !f.Wait {
			return false, nil
		}
		if why := waitingFor(pod, state); why != "" && why != told {
			told = why
			f.tell(of.task, "waiting: "+why)
		}
		if err := f.pause(ctx); err != nil {
			return false, err
		}
	}
}

// waitingFor is what the Pod waits for; empty for the little that every Pod waits for.
func waitingFor(pod *corev1.Pod, state corev1.ContainerState) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return c.Message
		}
	}
	if w := state.Waiting; w != nil && w.Message != "" {
		return w.Reason + ": " + w.Message
	}
	return ""
}

// stateOf is the state of a container; zero if the kubelet has not told it.
func stateOf(pod *corev1.Pod, container string) corev1.ContainerState {
	i := slices.IndexFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool { return s.Name == container })
	if i < 0 {
		return corev1.ContainerState{}
	}
	return pod.Status.ContainerStatuses[i].State
}

// over reports whether no container of the Pod will start any more.
func over(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}
