//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
	"github.com/comptech-lab/quay-push/test/stage"
)

// starPolicy is what people write before they know that * matches only at the end.
const starPolicy = `path "secret/data/apps/*/*/ci/quay-robot" { capabilities = ["read"] }`

// storeName is the SecretStore's name, its ServiceAccount's, and that of the policy and the role in Vault.
const storeName = "pipelines-vault-apps"

// vaultServer is the Vault in the cluster.
type vaultServer struct {
	*stage.Vault
	client *vault.Client
	admin  *api.Client
	// policy and role are what onboard platform renders for it.
	policy, role string
}

// openVault has an empty Vault in the cluster that can ask the API server who somebody is.
func openVault(t *testing.T, ctx context.Context) *vaultServer {
	t.Helper()
	server, err := s.OpenVault(ctx)
	if err != nil {
		t.Fatal(err)
	}
	transcript.mustNotHave(server.Token)
	v := &vaultServer{Vault: server}
	if v.client, err = vault.New(vault.Options{Address: v.Address, Token: secret.New(v.Token), Mount: "secret"}); err != nil {
		t.Fatal(err)
	}
	config := api.DefaultConfig()
	config.Address = v.Address
	if v.admin, err = api.NewClient(config); err != nil {
		t.Fatal(err)
	}
	v.admin.SetToken(v.Token)
	if _, err := v.admin.Logical().WriteWithContext(ctx, "auth/kubernetes/config", map[string]any{"kubernetes_host": "https://kubernetes.default.svc"}); err != nil {
		t.Fatal(err)
	}
	return v
}

// openStore does what onboard platform says, in the cluster and in Vault.
func (p *platform) openStore(ctx context.Context) {
	p.Helper()
	directory := p.TempDir()
	commands := p.tool(ctx, cli.ExitOK, "onboard", "platform", "--vault-address", p.vault.Inside, "--output-dir", directory)
	p.tool(ctx, cli.ExitOK, "onboard", "platform", "--vault-address", p.vault.Inside, "--apply")
	for _, want := range []string{"vault policy write " + storeName + " vault/policy.hcl", "vault write auth/kubernetes/role/" + storeName + " @vault/role.json"} {
		if !strings.Contains(commands, want) {
			p.Fatalf("%q is not in\n%s", want, commands)
		}
	}
	for name, content := range map[string]*string{"vault/policy.hcl": &p.vault.policy, "vault/role.json": &p.vault.role} {
		data, err := os.ReadFile(filepath.Join(directory, name))
		if err != nil {
			p.Fatal(err)
		}
		*content = string(data)
	}
	p.vault.mend(p.T, ctx)
}

// write writes a policy and a role.
func (v *vaultServer) write(t *testing.T, ctx context.Context, policy, role string) {
	t.Helper()
	if err := v.admin.Sys().PutPolicyWithContext(ctx, storeName, policy); err != nil {
		t.Fatal(err)
	}
	if _, err := v.admin.Logical().WriteBytesWithContext(ctx, "auth/kubernetes/role/"+storeName, []byte(role)); err != nil {
		t.Fatal(err)
	}
}

// mend writes those that are rendered.
func (v *vaultServer) mend(t *testing.T, ctx context.Context) {
	t.Helper()
	v.write(t, ctx, v.policy, v.role)
}
