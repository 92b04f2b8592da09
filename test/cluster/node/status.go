package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// Check returns nil if the cluster can be used, else what is wrong with it.
func (n Node) Check(ctx context.Context) error {
	held, err := lock(n.path("serve.lock"))
	if os.IsNotExist(err) {
		return errors.New("the cluster is not running")
	}
	if err == nil {
		held.Close()
		return errors.New("the cluster is not running")
	}
	if !errors.Is(err, errLocked) {
		return err
	}
	if _, err := os.Stat(n.path("ready")); err != nil {
		return fmt.Errorf("the cluster is not ready yet: %w", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", n.Kubeconfig())
	if err != nil {
		return err
	}
	config.Timeout = 10 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := serverReady(client)(ctx); err != nil {
		return fmt.Errorf("asking the API server: %w", err)
	}
	return nodeReady(client)(ctx)
}
