package onboard

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// AuthMount is where Vault's Kubernetes login is mounted, unless Platform says otherwise.
const AuthMount = "kubernetes"

// Platform is what the platform's own manifests are made from, once for all teams.
type Platform struct {
	tenant.Convention
	// Namespaces are those that get a SecretStore, which reads every team's path: ExternalSecrets there are for the platform
	// to write, see docs/threat-model.md.
	Namespaces []string
	// VaultAddress is the address of Vault as External Secrets reaches it.
	VaultAddress string
	// VaultNamespace is Vault Enterprise's, AuthMount where the Kubernetes login is mounted, empty: at AuthMount.
	VaultNamespace, AuthMount string
	// Audience is what the tokens with which External Secrets logs in are for; empty: whatever the cluster's API is.
	Audience string
	// CABundle are the authorities to trust for Vault, in PEM; empty: the system's of External Secrets.
	CABundle []byte
}

// authMount is where the login is mounted.
func (p Platform) authMount() string { return cmp.Or(p.AuthMount, AuthMount) }

// Manifests returns the platform's files: SecretStores, and for Vault the policy and the role that they log in with.
func (p Platform) Manifests() ([]Manifest, error) {
	var files []Manifest
	namespaces := slices.Compact(slices.Sorted(slices.Values(p.Namespaces)))
	for _, namespace := range namespaces {
		files = append(files, Manifest{Name: "secret-store-" + namespace + ".yaml", Objects: p.store(namespace, p.SecretStore, p.SecretStore)})
	}
	role, err := p.role(p.SecretStore, namespaces, p.SecretStore)
	if err != nil {
		return nil, err
	}
	return append(files, Manifest{Name: "vault/policy.hcl", Text: p.policy()}, Manifest{Name: "vault/role.json", Text: role}), nil
}

// role is the Vault role that a ServiceAccount logs in as.
func (p Platform) role(account string, namespaces []string, policy string) (string, error) {
	fields := map[string]any{
		"bound_service_account_names":      []string{account},
		"bound_service_account_namespaces": namespaces,
		"token_policies":                   []string{policy},
		"token_ttl":                        "10m",
	}
	if p.Audience != "" {
		fields["audience"] = p.Audience
	}
	role, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encoding the Vault role: %w", err)
	}
	return string(role) + "\n", nil
}

// Commands are what makes Vault take its two files.
func (p Platform) Commands() []string {
	return p.commands(p.SecretStore, "vault/policy.hcl", "vault/role.json")
}

// commands write a policy and a role of one name from files.
func (p Platform) commands(name, policy, role string) []string {
	namespace := ""
	if p.VaultNamespace != "" {
		namespace = "-namespace=" + p.VaultNamespace + " "
	}
	return []string{
		"vault policy write " + namespace + name + " " + policy,
		"vault write " + namespace + "auth/" + p.authMount() + "/role/" + name + " @" + role,
	}
}

// store is a SecretStore with the ServiceAccount of its name, which logs in to Vault as role.
func (p Platform) store(namespace, name, role string) []map[string]any {
	store := newObject("external-secrets.io/v1", "SecretStore", namespace, name, nil)
	account := object{"name": name}
	if p.Audience != "" {
		account["audiences"] = []any{p.Audience}
	}
	provider := object{
		"server": p.VaultAddress, "path": p.VaultMount, "version": "v2",
		"auth": object{"kubernetes": object{"mountPath": p.authMount(), "role": role, "serviceAccountRef": account}},
	}
	if p.VaultNamespace != "" {
		provider["namespace"] = p.VaultNamespace
	}
	if len(p.CABundle) > 0 {
		provider["caBundle"] = base64.StdEncoding.EncodeToString(p.CABundle)
	}
	store["spec"] = object{"provider": object{"vault": provider}}
	return []map[string]any{newObject("v1", "ServiceAccount", namespace, name, nil), store}
}

// policy lets External Secrets read every team's path. In Vault a * matches only at the end; + is one element of a path.
func (p Platform) policy() string {
	path := p.allTeams()
	var b strings.Builder
	for _, section := range []string{"data", "metadata"} {
		fmt.Fprintf(&b, "path %q {\n  capabilities = [\"read\"]\n}\n", p.VaultMount+"/"+section+"/"+path)
	}
	return b.String()
}

// allTeams is every team's path, as Vault's policies have it.
func (p Platform) allTeams() string {
	return strings.NewReplacer("<team>", "+", "<division>", "+", "<app>", "+").Replace(p.VaultPath)
}
