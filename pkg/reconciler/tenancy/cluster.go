package tenancy

import (
	"context"
	"fmt"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	"golang.org/x/sync/semaphore"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	admissionlisters "k8s.io/client-go/listers/admissionregistration/v1"
	corelisters "k8s.io/client-go/listers/core/v1"

	"github.com/comptech-lab/quay-push/pkg/externalsecret"
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

// reads lets few of the program's reads be in memory at once which a tenant decides the size of: an object of 1.5 MiB takes ten times
// that while it is decoded. At 50 requests a second, four are more than are ever under way.
var reads = semaphore.NewWeighted(4)

func read[T any](ctx context.Context, get func() (T, error)) (T, error) {
	if err := reads.Acquire(ctx, 1); err != nil {
		var none T
		return none, err
	}
	defer reads.Release(1)
	return get()
}

// PipelineRun implements Cluster. It returns what a decision and a child take, see slimPipelineRun.
func (c *Cached) PipelineRun(ctx context.Context, namespace, name string) (*pipelinev1.PipelineRun, error) {
	return read(ctx, func() (*pipelinev1.PipelineRun, error) {
		run, err := c.Tekton.TektonV1().PipelineRuns(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return slimPipelineRun(run), nil
	})
}

// Secret implements Cluster. It returns what a check takes, see slimSecret.
func (c *Cached) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	return read(ctx, func() (*corev1.Secret, error) {
		secret, err := c.Kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return slimSecret(secret), nil
	})
}

// ServiceAccount implements Cluster.
func (c *Cached) ServiceAccount(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error) {
	return read(ctx, func() (*corev1.ServiceAccount, error) {
		return c.Kube.CoreV1().ServiceAccounts(namespace).Get(ctx, name, metav1.GetOptions{})
	})
}

// ExternalSecretReady implements Cluster.
func (c *Cached) ExternalSecretReady(ctx context.Context, namespace, name string) (string, error) {
	object, err := read(ctx, func() (*unstructured.Unstructured, error) {
		return c.Dynamic.Resource(externalsecret.Resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	})
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
