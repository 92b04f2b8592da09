package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// kubeconfigNext is the next step where the kubeconfig is wrong.
const kubeconfigNext = "set KUBECONFIG, or use --kubeconfig and --context"

// loader reads the kubeconfig as kubectl does.
func (c *connection) loader() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: c.context()})
}

// openCluster returns the clients for the cluster of the kubeconfig, or of the Pod.
func (c *connection) openCluster(string) (Clients, error) {
	loader := c.loader()
	settings, err := loader.ClientConfig()
	if err != nil {
		return Clients{}, c.kubeconfigError(err)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return Clients{}, c.kubeconfigError(err)
	}
	settings.QPS, settings.Burst, settings.UserAgent, settings.Timeout = clusterQPS, clusterBurst, "tkn-quay", requestTimeout
	clients, err := newClients(settings)
	if clients.Namespace = namespace; err == nil && c.context() == "" {
		// In a Pod there is none.
		raw, _ := loader.RawConfig()
		clients.Context = raw.CurrentContext
	}
	return clients, err
}

// kubeconfigError tells which kubeconfig is wrong, and what to do about it.
func (c *connection) kubeconfigError(err error) error {
	path := cmp.Or(c.kubeconfig, c.program.Getenv("KUBECONFIG"))
	raw, unread := c.loader().RawConfig()
	switch {
	case unread == nil && c.context() != "" && raw.Contexts[c.context()] == nil:
		return usagef("kubectl config get-contexts lists those that exist", "reading the kubeconfig: %v", err)
	case !clientcmd.IsEmptyConfig(err):
		return usagef(kubeconfigNext, "reading the kubeconfig: %v", err)
	case path == "":
		path = clientcmd.RecommendedHomeFile
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return usagef(kubeconfigNext, "there is no kubeconfig: $KUBECONFIG is not set, and %q does not exist", path)
		}
	}
	return usagef(kubeconfigNext, "kubeconfig %q does not exist, or has no current context with a cluster", path)
}

// newClients returns the clients for an API server.
func newClients(settings *rest.Config) (clients Clients, err error) {
	var failed [4]error
	kube, err := kubernetes.NewForConfig(settings)
	clients.Kube, failed[0] = kube, err
	clients.Tekton, failed[1] = tekton.NewForConfig(settings)
	clients.Dynamic, failed[2] = dynamic.NewForConfig(settings)
	lasting := rest.CopyConfig(settings)
	lasting.Timeout = 0
	logs, err := kubernetes.NewForConfig(lasting)
	failed[3] = err
	if err := errors.Join(failed[:]...); err != nil {
		return Clients{}, fmt.Errorf("connecting to the cluster: %w", err)
	}
	clients.Document = func(ctx context.Context, path string) ([]byte, error) {
		return kube.Discovery().RESTClient().Get().AbsPath(path).DoRaw(ctx)
	}
	clients.Log = func(ctx context.Context, namespace, pod string, options *corev1.PodLogOptions) (io.ReadCloser, error) {
		return logs.CoreV1().Pods(namespace).GetLogs(pod, options).Stream(ctx)
	}
	return clients, nil
}
