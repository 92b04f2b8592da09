//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// The rule shared-namespace on the real API server: in the shared namespace the label needs the right, never changes, and decides.
func TestSharedNamespaceLabel(t *testing.T) {
	ctx := within(t, 5*time.Minute)
	const account = "trigger-payments"
	grant(t, account, rule("tekton.dev", "pipelineruns customruns", "create update patch get"))
	grant(t, account, useOf("payments"))
	trigger := as(t, "system:serviceaccount:"+stage.SharedNamespace+":"+account)
	runs := trigger.TektonV1().PipelineRuns(stage.SharedNamespace)
	push := published(t, "label", stage.NewPush(victim, victim.Repository))
	// Honest but for its label.
	run := func(team string, labels map[string]string) *pipelinev1.PipelineRun {
		run := push.DeepCopy()
		run.GenerateName, run.Labels = team+"--", labels
		return run
	}

	t.Run("another team's label is Invalid", func(t *testing.T) {
		for key, value := range map[string]string{"apps.platform/team": "platform", "pipeline.comptech-lab.com/team": "team-platform"} {
			_, err := runs.Create(ctx, run("platform", map[string]string{key: value}), metav1.CreateOptions{})
			if !apierrs.IsInvalid(err) || !strings.Contains(err.Error(), "may not push as team platform") {
				t.Errorf("creating with %s=%s: %v, want Invalid", key, value, err)
			}
		}
	})
	t.Run("a forged CustomRun is Invalid", func(t *testing.T) {
		_, err := trigger.TektonV1beta1().CustomRuns(stage.SharedNamespace).Create(ctx, forged(victim, metav1.OwnerReference{
			APIVersion: "tekton.dev/v1", Kind: "PipelineRun", Name: "x", UID: "y", Controller: new(true)}), metav1.CreateOptions{})
		if !apierrs.IsInvalid(err) {
			t.Errorf("creating a CustomRun by hand: %v, want Invalid", err)
		}
	})
	t.Run("without a label the run is Invalid", func(t *testing.T) {
		_, err := runs.Create(ctx, run("payments", nil), metav1.CreateOptions{})
		if !apierrs.IsInvalid(err) || !strings.Contains(err.Error(), "its team") {
			t.Errorf("creating without a team: %v, want Invalid", err)
		}
	})
	t.Run("the own label decides, and cannot change", func(t *testing.T) {
		run, err := runs.Create(ctx, run("payments", map[string]string{"apps.platform/team": "payments"}), metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		run.Labels["apps.platform/team"] = "platform"
		if _, err := runs.Update(ctx, run, metav1.UpdateOptions{}); !apierrs.IsInvalid(err) && !apierrs.IsConflict(err) {
			t.Errorf("changing the label: %v, want Invalid", err)
		}
		_, err = runs.Patch(ctx, run.Name, "application/merge-patch+json", []byte(`{"metadata":{"labels":{"apps.platform/team":null}}}`), metav1.PatchOptions{})
		if !apierrs.IsInvalid(err) {
			t.Errorf("removing the label: %v, want Invalid", err)
		}
		run, err = s.Wait(ctx, run)
		if err != nil {
			t.Fatal(err)
		}
		custom, err := s.CustomRunOf(ctx, run)
		if err != nil {
			t.Fatal(err)
		}
		// The shared namespace of the stage holds no Secret: the refusal names the one of the team that the label decided.
		checkRefused(t, ctx, custom, v1alpha1.ReasonSecretMissing, victim.Secret)
	})
}

// as returns a client that acts as user.
func as(t *testing.T, user string) tekton.Interface {
	t.Helper()
	config := rest.CopyConfig(s.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	client, err := tekton.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// grant gives a ServiceAccount of the shared namespace a right there, for the length of the test.
func grant(t *testing.T, account string, rule rbacv1.PolicyRule) {
	t.Helper()
	grantIn(t, stage.SharedNamespace, account, rule)
}

// grantIn gives a ServiceAccount of the namespace a right there, for the length of the test.
func grantIn(t *testing.T, namespace, account string, rule rbacv1.PolicyRule) {
	t.Helper()
	grantFrom(t, namespace, namespace, account, rule)
}

// grantFrom gives a ServiceAccount of the namespace home a right in namespace, for the length of the test.
func grantFrom(t *testing.T, namespace, home, account string, rule rbacv1.PolicyRule) {
	t.Helper()
	ctx, rbac := t.Context(), s.Kube.RbacV1()
	role, err := rbac.Roles(namespace).Create(ctx, &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{GenerateName: account + "-"}, Rules: []rbacv1.PolicyRule{rule}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	binding, err := rbac.RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: account + "-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: account, Namespace: home}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		clean := within(t, time.Minute)
		for _, err := range []error{
			rbac.RoleBindings(namespace).Delete(clean, binding.Name, metav1.DeleteOptions{}),
			rbac.Roles(namespace).Delete(clean, role.Name, metav1.DeleteOptions{}),
		} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	// The API server reads its own RBAC through a cache.
	waitUntil(t, within(t, time.Minute), account+" has the right", func() bool {
		allowed, err := may(ctx, "system:serviceaccount:"+home+":"+account, namespace, rule.Verbs[0], rule.APIGroups[0], rule.Resources[0], rule.ResourceNames)
		return err == nil && allowed
	})
}
