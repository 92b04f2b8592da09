package node

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// patience is how long a cluster may take to come up on a machine that is busy with other things.
const patience = 3 * time.Minute

// until waits for check to return nil, and gives up when a program fails or after patience.
func until(ctx context.Context, failed <-chan error, check func(context.Context) error) error {
	deadline, stop := context.WithTimeout(ctx, patience)
	defer stop()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		last := check(deadline)
		if last == nil {
			return nil
		}
		select {
		case err := <-failed:
			return err
		case <-deadline.Done():
			return fmt.Errorf("waiting %s: %w", patience, last)
		case <-tick.C:
		}
	}
}

// serverReady asks the API server whether it is.
func serverReady(client kubernetes.Interface) func(context.Context) error {
	return func(ctx context.Context) error {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Timeout(5 * time.Second).Do(ctx).Error()
	}
}

// nodeReady looks whether a pod could be created and scheduled: the node is Ready, and the namespace "default" has got its
// ServiceAccount.
func nodeReady(client kubernetes.Interface) func(context.Context) error {
	return func(ctx context.Context) error {
		node, err := client.CoreV1().Nodes().Get(ctx, Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status != corev1.ConditionTrue {
				return fmt.Errorf("node %q is not ready: %s", Name, condition.Message)
			}
		}
		if len(node.Status.Conditions) == 0 || len(node.Spec.Taints) > 0 {
			return fmt.Errorf("node %q has taints %v and %d conditions", Name, node.Spec.Taints, len(node.Status.Conditions))
		}
		_, err = client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	}
}
