//go:build e2e

package e2e

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/docs"
)

// What the page takes away is all that was installed, and in a namespace that was guarded runs go on. Then it is installed again.
func TestUninstall(t *testing.T) {
	ctx := within(t, 12*time.Minute)
	keepParams(t, ctx)
	blocks, err := docs.Read("../../docs/uninstall.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Install(within(t, 6*time.Minute)); err != nil {
			t.Fatalf("installing it again: %v", err)
		}
	})
	printed := ""
	for _, block := range blocks {
		if block.Language == "sh" {
			printed = runBlock(t, ctx, os.Environ(), block)
		}
	}
	if printed != "" {
		t.Errorf("the last block prints\n%s", printed)
	}
	namespaces, err := s.Kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range namespaces.Items {
		if n.Name == system || n.Labels[v1alpha1.LabelGuarded] != "" {
			t.Errorf("namespace %q is left with labels %v", n.Name, n.Labels)
		}
	}
	roles, err := s.Kube.RbacV1().ClusterRoles().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range roles.Items {
		if strings.HasPrefix(r.Name, "quay-push") {
			t.Errorf("ClusterRole %q is left", r.Name)
		}
	}
}

// keepParams has a policy with a ConfigMap as its parameter, and its binding, outlive ours. The API server ends its watch of ConfigMaps with the last such
// policy and does not begin it again: policies that come later would read config-tenancy as it was (Kubernetes 1.36,
// k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_source.go), and so would those of every test after this one. Where a test failed they stay: what it did not bring back, others will.
func keepParams(t *testing.T, ctx context.Context) {
	t.Helper()
	policies := s.Kube.AdmissionregistrationV1().ValidatingAdmissionPolicies()
	rule := admissionv1.NamedRuleWithOperations{RuleWithOperations: admissionv1.RuleWithOperations{Operations: []admissionv1.OperationType{admissionv1.Connect},
		Rule: admissionv1.Rule{APIGroups: []string{"keeps.example.com"}, APIVersions: []string{"v1"}, Resources: []string{"params"}}}}
	keeper := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "keeps-params.example.com"}, Spec: admissionv1.ValidatingAdmissionPolicySpec{
		ParamKind:        &admissionv1.ParamKind{APIVersion: "v1", Kind: "ConfigMap"},
		MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{rule}},
		Validations:      []admissionv1.Validation{{Expression: "true"}}}}
	if _, err := policies.Create(ctx, keeper, metav1.CreateOptions{}); err != nil && !apierrs.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = policies.Delete(context.Background(), keeper.Name, metav1.DeleteOptions{})
		}
	})
	bindings, deny := s.Kube.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings(), admissionv1.DenyAction
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: keeper.ObjectMeta, Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
		PolicyName: keeper.Name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
		ParamRef: &admissionv1.ParamRef{Name: "kube-root-ca.crt", Namespace: metav1.NamespaceDefault, ParameterNotFoundAction: &deny}}}
	if _, err := bindings.Create(ctx, binding, metav1.CreateOptions{}); err != nil && !apierrs.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = bindings.Delete(context.Background(), keeper.Name, metav1.DeleteOptions{})
		}
	})
}
