package main

import (
	"fmt"

	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/utils/kube"
	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/utils/tracing"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Cluster is one that Argo CD manages, as a cluster administrator.
type Cluster struct {
	config  *rest.Config
	kubectl kube.Kubectl
}

// Connect returns the cluster of a kubeconfig file.
func Connect(kubeconfig string) (*Cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig %q: %w", kubeconfig, err)
	}
	config.QPS, config.Burst = 50, 100 // As argoproj/argo-cd:common/common.go.
	return &Cluster{config, &kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}}, nil
}

// scopes say which kinds are in namespaces.
type scopes map[schema.GroupKind]bool

// scopes returns those of the kinds that the cluster has now.
func (c *Cluster) scopes() (kube.ResourceInfoProvider, error) {
	resources, err := c.kubectl.GetAPIResources(c.config, true, everything{})
	if err != nil {
		return nil, fmt.Errorf("reading which kinds there are: %w", err)
	}
	found := scopes{}
	for _, r := range resources {
		found[r.GroupKind] = r.Meta.Namespaced
	}
	return found, nil
}

// IsNamespaced reports whether objects of the kind are in namespaces; an error: the cluster has no such kind.
func (s scopes) IsNamespaced(kind schema.GroupKind) (bool, error) {
	namespaced, ok := s[kind]
	if !ok {
		return false, fmt.Errorf("the cluster has no kind %q", kind)
	}
	return namespaced, nil
}

// everything leaves out no kind.
type everything struct{}

// IsExcludedResource is false.
func (everything) IsExcludedResource(_, _, _ string) bool { return false }

// GetLabelSelector is empty.
func (everything) GetLabelSelector(_, _, _ string) string { return "" }
