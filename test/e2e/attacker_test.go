//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// useOf is the right to push as team.
func useOf(team string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{v1alpha1.Group}, Resources: []string{v1alpha1.TenantsResource}, ResourceNames: []string{team}, Verbs: []string{"use"}}
}

// bindTektonEdit gives a ServiceAccount of the namespace there what Tekton adds to Kubernetes' role edit.
func bindTektonEdit(t *testing.T, namespace, account string) {
	t.Helper()
	role, err := s.Kube.RbacV1().ClusterRoles().Get(t.Context(), "tekton-aggregate-edit", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range role.Rules {
		grantIn(t, namespace, account, rule)
	}
}

// mayI asks the API server what a ServiceAccount of the shared namespace may do there; resource is name or name/subresource.
func mayI(ctx context.Context, account, verb, group, resource string, names []string) (bool, error) {
	return may(ctx, "system:serviceaccount:"+stage.SharedNamespace+":"+account, stage.SharedNamespace, verb, group, resource, names)
}

// may asks the API server what a user may do in a namespace.
func may(ctx context.Context, user, namespace, verb, group, resource string, names []string) (bool, error) {
	resource, sub, _ := strings.Cut(resource, "/")
	attributes := &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: verb, Group: group, Resource: resource, Subresource: sub}
	if len(names) > 0 {
		attributes.Name = names[0]
	}
	review, err := s.Kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: attributes},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	return review.Status.Allowed, nil
}
