package cli

import (
	"context"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
)

// live is what the controller's decision reads, without its caches.
type live struct{ *tenancy.Cached }

func newLive(c Clients) live {
	return live{&tenancy.Cached{Kube: c.Kube, Tekton: c.Tekton, Dynamic: c.Dynamic}}
}

// Namespace implements tenancy.Cluster.
func (l live) Namespace(ctx context.Context, name string) (*corev1.Namespace, error) {
	return l.Kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
}

// Policy implements tenancy.Cluster.
func (l live) Policy(ctx context.Context, name string) (*admissionv1.ValidatingAdmissionPolicy, error) {
	return l.Kube.AdmissionregistrationV1().ValidatingAdmissionPolicies().Get(ctx, name, metav1.GetOptions{})
}

// PolicyBindings implements tenancy.Cluster.
func (l live) PolicyBindings(ctx context.Context) ([]*admissionv1.ValidatingAdmissionPolicyBinding, error) {
	list, err := l.Kube.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	found := make([]*admissionv1.ValidatingAdmissionPolicyBinding, len(list.Items))
	for i := range list.Items {
		found[i] = &list.Items[i]
	}
	return found, nil
}
