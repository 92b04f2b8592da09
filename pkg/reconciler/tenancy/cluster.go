package tenancy

import (
	"context"
	"fmt"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	admissionlisters "k8s.io/client-go/listers/admissionregistration/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// Cached is a Cluster that reads namespaces and policies from informers, and everything else live: a Secret in a cache would
// need the right to list all of them.
type Cached struct {
	Namespaces corelisters.NamespaceLister
	Policies   admissionlisters.ValidatingAdmissionPolicyLister
	Bindings   admissionlisters.ValidatingAdmissionPolicyBindingLister
	Kube       kubernetes.Interface
	Tekton     tekton.Interface
	Dynamic    dynamic.Interface
}

// Namespace implements Cluster.
func (c *Cached) Namespace(_ context.Context, name string) (*corev1.Namespace, error) {
	return c.Namespaces.Get(name)
}

// Policy implements Cluster.
func (c *Cached) Policy(_ context.Context, name string) (*admissionv1.ValidatingAdmissionPolicy, error) {
	return c.Policies.Get(name)
}

// PolicyBindings implements Cluster.
func (c *Cached) PolicyBindings(context.Context) ([]*admissionv1.ValidatingAdmissionPolicyBinding, error) {
	return c.Bindings.List(labels.Everything())
}

// PipelineRun implements Cluster.
func (c *Cached) PipelineRun(ctx context.Context, namespace, name string) (*pipelinev1.PipelineRun, error) {
	return c.Tekton.TektonV1().PipelineRuns(namespace).Get(ctx, name, metav1.GetOptions{})
}

// Secret implements Cluster.
func (c *Cached) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	return c.Kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
}

// externalSecrets are served since External Secrets v0.17; v1beta1 is gone since then.
var externalSecrets = schema.GroupVersionResource{Group: "external-secrets.io", Version: "v1", Resource: "externalsecrets"}

// ExternalSecretReady implements Cluster.
func (c *Cached) ExternalSecretReady(ctx context.Context, namespace, name string) (string, error) {
	object, err := c.Dynamic.Resource(externalSecrets).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrs.IsNotFound(err) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok && c["type"] == "Ready" {
			return fmt.Sprintf("Ready=%v, %v: %v", c["status"], c["reason"], c["message"]), nil
		}
	}
	return "nothing yet", nil
}
