//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/cli"
)

// doctor gives Vault the platform's part, and then one with a * in the middle.
func (p *platform) doctor(t *testing.T, ctx context.Context) {
	directory := t.TempDir()
	commands := p.tool(ctx, cli.ExitOK, "onboard", "platform", "--vault-address", p.vault.Address, "--output-dir", directory)
	p.tool(ctx, cli.ExitOK, "onboard", "platform", "--vault-address", p.vault.Address, "--apply")
	if !strings.Contains(commands, "vault policy write pipelines-vault-apps vault-policy.hcl") {
		t.Errorf("it says\n%s", commands)
	}
	config := api.DefaultConfig()
	config.Address = p.vault.Address
	admin, err := api.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	admin.SetToken(p.vault.Token)
	policy, err := os.ReadFile(filepath.Join(directory, "vault-policy.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	role, err := os.ReadFile(filepath.Join(directory, "vault-role.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Logical().WriteWithContext(ctx, "auth/kubernetes/config", map[string]any{"kubernetes_host": s.Config.Host,
		"kubernetes_ca_cert": string(s.Config.CAData), "token_reviewer_jwt": reviewer(t, ctx), "disable_local_ca_jwt": true}); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Logical().WriteBytesWithContext(ctx, "auth/kubernetes/role/pipelines-vault-apps", role); err != nil {
		t.Fatal(err)
	}
	roleLook := func(policy string) string {
		if err := admin.Sys().PutPolicyWithContext(ctx, "pipelines-vault-apps", policy); err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		_, stdout := p.start(ctx, &stderr, "doctor")
		for line := range strings.Lines(stdout) {
			if strings.HasPrefix(line, "vault-role ") {
				return line
			}
		}
		t.Fatalf("doctor says nothing of the role:\n%s%s", stdout, stderr.String())
		return ""
	}
	if line := roleLook(string(policy)); !strings.Contains(line, " ok ") {
		t.Errorf("with the policy that is rendered: %s", line)
	}
	if line := roleLook(`path "secret/data/apps/*/*/ci/quay-robot" { capabilities = ["read"] }`); !strings.Contains(line, " failed ") || !strings.Contains(line, "matches only at its end") {
		t.Errorf("with a * in the middle: %s", line)
	}
}

// reviewer is a token that may ask the API server about tokens, as Vault's own ServiceAccount may.
func reviewer(t *testing.T, ctx context.Context) string {
	t.Helper()
	const name = "vault-reviewer"
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}
	binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:auth-delegator"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: name, Namespace: "default"}}}
	if _, err := s.Kube.CoreV1().ServiceAccounts("default").Create(ctx, account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Kube.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		clean := within(t, time.Minute)
		for _, err := range []error{s.Kube.RbacV1().ClusterRoleBindings().Delete(clean, name, metav1.DeleteOptions{}),
			s.Kube.CoreV1().ServiceAccounts("default").Delete(clean, name, metav1.DeleteOptions{})} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	token, err := s.Kube.CoreV1().ServiceAccounts("default").CreateToken(ctx, name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return token.Status.Token
}
