package cli

import (
	"context"
	"fmt"
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// secretStores are what External Secrets reads Vault through.
var secretStores = schema.GroupVersionResource{Group: "external-secrets.io", Version: "v1", Resource: "secretstores"}

// lookAtVault asks Vault what the tool's own token may do with a tenant's path, and what External Secrets may.
func (d *doctor) lookAtVault(ctx context.Context) {
	if len(d.tenants) == 0 {
		return
	}
	t := d.tenants[0]
	v, err := d.vault(ctx)
	if err != nil {
		d.cannot("vault-token", err)
	} else {
		d.lookAtCapabilities(ctx, v, "vault-token", t.VaultPath, "give your token the policy of docs/cli.md",
			[]string{"data", "create"}, []string{"data", "update"}, []string{"data", "read"}, []string{"metadata", "read"}, []string{"destroy", "update"})
	}
	store, err := d.loginAsStore(ctx, t.Namespace)
	if err != nil {
		d.cannot("vault-role", err)
		return
	}
	d.lookAtCapabilities(ctx, store, "vault-role", t.VaultPath,
		"render policy and role with tkn quay onboard platform: * in a policy matches only at its end, + is one element", []string{"data", "read"})
}

// lookAtCapabilities looks for pairs of section and capability.
func (d *doctor) lookAtCapabilities(ctx context.Context, v Vault, id, path, next string, wanted ...[]string) {
	lacking := []string{}
	for _, want := range wanted {
		has, err := v.Capabilities(ctx, want[0], path)
		if err != nil {
			d.cannot(id, err)
			return
		}
		if !slices.Contains(has, want[1]) && !slices.Contains(has, "root") {
			lacking = append(lacking, want[1]+" on "+want[0])
		}
	}
	d.add(id, len(lacking) == 0, next, "on %q it lacks %q", path, lacking)
}

// loginAsStore logs in to Vault as the SecretStore in namespace does, with a token that is good for ten minutes.
func (d *doctor) loginAsStore(ctx context.Context, namespace string) (Vault, error) {
	store, err := d.clients.Dynamic.Resource(secretStores).Namespace(namespace).Get(ctx, d.config.SecretStore, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading SecretStore %q: %w", namespace+"/"+d.config.SecretStore, err)
	}
	field := func(names ...string) string {
		text, _, _ := unstructured.NestedString(store.Object, append([]string{"spec", "provider", "vault", "auth", "kubernetes"}, names...)...)
		return text
	}
	account, lifetime := field("serviceAccountRef", "name"), int64(600)
	token, err := d.clients.Kube.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, account,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &lifetime}}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("asking for a token of ServiceAccount %q: %w", namespace+"/"+account, err)
	}
	v, err := d.openVault("")
	if err != nil {
		return nil, err
	}
	return v, v.LoginKubernetes(ctx, field("mountPath"), field("role"), token.Status.Token)
}
