package simulator

import (
	"context"
	"errors"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// Tenant is a team with a namespace of its own.
type Tenant struct{ Team, Namespace, Organization string }

// Tenants makes n tenants: namespace with labels, Secret, and the Role that lets the controller read that one Secret.
func Tenants(ctx context.Context, client kubernetes.Interface, n int) ([]Tenant, error) {
	tenants := make([]Tenant, n)
	for i := range tenants {
		team := fmt.Sprintf("bench-%02d", i)
		t := Tenant{Team: team, Namespace: "apps-" + team, Organization: "team-" + team}
		if err := t.create(ctx, client); err != nil {
			return nil, fmt.Errorf("creating tenant %q: %w", team, err)
		}
		tenants[i] = t
	}
	return tenants, nil
}

// repository is where the tenant pushes to.
func (t Tenant) repository() string { return reconcilertest.Host + "/" + t.Organization + "/app" }

func (t Tenant) create(ctx context.Context, client kubernetes.Interface) error {
	const reader = "quay-push"
	secret := "quay-robot-" + t.Organization
	labels := map[string]string{"apps.platform/team": t.Team, "apps.platform/division": "bench", "apps.platform/app": t.Team}
	_, err := client.CoreV1().Namespaces().Create(ctx, reconcilertest.NewNamespace(t.Namespace, labels), metav1.CreateOptions{})
	if err != nil && !apierrs.IsAlreadyExists(err) {
		return err
	}
	_, err = client.CoreV1().Secrets(t.Namespace).Create(ctx, reconcilertest.NewSecret(t.Namespace, secret, t.Organization+"+ci"), metav1.CreateOptions{})
	_, err2 := client.RbacV1().Roles(t.Namespace).Create(ctx, &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: reader},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{secret}, Verbs: []string{"get"}}},
	}, metav1.CreateOptions{})
	_, err3 := client.RbacV1().RoleBindings(t.Namespace).Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: reader},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: reader},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "quay-push", Name: "controller"}},
	}, metav1.CreateOptions{})
	return errors.Join(err, err2, err3)
}
