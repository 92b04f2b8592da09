package stage

import (
	"context"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// forward opens a local port to port of a running pod with the label app=name, and returns its address. It closes when
// ctx ends.
func (s *Stage) forward(ctx context.Context, namespace, name string, port int) (string, error) {
	pod, err := s.running(ctx, namespace, name)
	if err != nil {
		return "", err
	}
	return s.ForwardPod(ctx, namespace, pod.Name, port)
}

// running returns a pod with the label app=name that runs and is not about to end.
func (s *Stage) running(ctx context.Context, namespace, name string) (corev1.Pod, error) {
	pods, err := s.Kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + name, FieldSelector: "status.phase=" + string(corev1.PodRunning)})
	if err != nil {
		return corev1.Pod{}, err
	}
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil {
			return pod, nil
		}
	}
	return corev1.Pod{}, fmt.Errorf("no pod of %q runs in namespace %q", name, namespace)
}

// ForwardPod opens a local port to port of the pod, and returns its address. It closes when ctx ends.
func (s *Stage) ForwardPod(ctx context.Context, namespace, pod string, port int) (string, error) {
	transport, upgrader, err := spdy.RoundTripperFor(s.Config)
	if err != nil {
		return "", err
	}
	url := s.Kube.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	ready, failed := make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", port)}, ctx.Done(), ready, io.Discard, io.Discard)
	if err != nil {
		return "", err
	}
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-failed:
		return "", fmt.Errorf("forwarding a port to pod %q: %w", pod, err)
	case <-ctx.Done():
		return "", ctx.Err()
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("127.0.0.1:%d", ports[0].Local), nil
}
