package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"

	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/comptech-lab/quay-push/pkg/config"
)

// Clients are the connections to the cluster.
type Clients struct {
	Kube    kubernetes.Interface
	Tekton  tekton.Interface
	Dynamic dynamic.Interface
	// Document reads one of the API server's own, by its path.
	Document func(ctx context.Context, path string) ([]byte, error)
	// Log opens the log of a container, which is read for as long as that runs.
	Log func(ctx context.Context, namespace, pod string, options *corev1.PodLogOptions) (io.ReadCloser, error)
	// Namespace is that of the context; empty means default.
	Namespace string
	// Context is the context's name; empty in a Pod.
	Context string
}

// systemNamespace is where quay-push is installed.
const systemNamespace = config.Namespace

// What the tool asks of the API server at most, per second and at once: three requests for each of 1,000 tenants in half a minute.
const clusterQPS, clusterBurst = 100, 200

// cluster opens the cluster.
func (c *connection) cluster() (Clients, error) {
	if c.clients != nil {
		return *c.clients, nil
	}
	open := c.program.Cluster
	if open == nil {
		open = c.openCluster
	}
	// What client-go logs is for programs that run for days.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	clients, err := open(c.context())
	if err != nil {
		return Clients{}, err
	}
	clients.Context = cmp.Or(c.context(), clients.Context)
	clients.Namespace = cmp.Or(clients.Namespace, metav1.NamespaceDefault)
	c.clients = &clients
	return clients, nil
}

// view opens the cluster, as package robot sees it.
func (c *connection) view(ctx context.Context) (*cluster, error) {
	clients, err := c.cluster()
	if err != nil {
		return nil, err
	}
	names, err := c.tenancy(ctx)
	if err != nil {
		return nil, err
	}
	return &cluster{clients, names}, nil
}

// tenancy returns the names to work with: of the file, else of the cluster, else the built-in ones.
func (c *connection) tenancy(ctx context.Context) (*config.Config, error) {
	if c.config != nil {
		return c.config, nil
	}
	from, err := c.configMap(ctx)
	if err != nil {
		return nil, err
	}
	if c.config, err = config.FromConfigMap(from); err != nil {
		next := "kubectl edit configmap config-tenancy --namespace " + systemNamespace
		if c.configFile != "" {
			next = "correct " + c.configFile
		}
		return nil, &failure{ExitFailure, err.Error(), next}
	}
	return c.config, nil
}

// configMap returns the ConfigMap; an empty one where quay-push is not installed.
func (c *connection) configMap(ctx context.Context) (*corev1.ConfigMap, error) {
	if c.configFile != "" {
		return readConfigMap(c.configFile)
	}
	clients, err := c.cluster()
	if err != nil {
		return nil, err
	}
	from, err := clients.Kube.CoreV1().ConfigMaps(systemNamespace).Get(ctx, config.Name, metav1.GetOptions{})
	if apierrs.IsNotFound(err) {
		return &corev1.ConfigMap{}, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading ConfigMap %q: %w", systemNamespace+"/"+config.Name, err)
	}
	return from, nil
}
