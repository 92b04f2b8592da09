package onboard

import (
	"fmt"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// The ServiceAccounts of config/fleet, by what they run; in Vault, role and policy of each have vaultPrefix before that. FleetToken
// is whose External Secrets reads Quay's OAuth token as.
const (
	FleetVerify = "fleet-verify"
	FleetRotate = "fleet-rotate"
	FleetToken  = "fleet-quay-token"
	vaultPrefix = "quay-push-"
)

// FleetAudience is what the tokens are for with which those accounts log in to Vault: the API server takes none of them.
const FleetAudience = "vault"

// FleetConfigMap is what the CronJobs of config/fleet read, of which each platform has its own.
const FleetConfigMap = "config-fleet"

// Fleet is what differs from one platform to the next where verify and rotate run by themselves: the rest is in config/fleet.
type Fleet struct {
	Platform
	// QuayTokenPath is where in the mount Quay's OAuth token is, as key token.
	QuayTokenPath string
	// CustodyNamespace holds the Secrets of all teams; empty: those of Tenants are where each says.
	CustodyNamespace string
	Tenants          []robot.Tenant
}

// Manifests returns the fleet's files: the Vault to use, the ExternalSecret of the OAuth token, the right to the robots' Secrets; and
// for Vault a policy and a role for each account.
func (f Fleet) Manifests() ([]Manifest, error) {
	f.Audience = FleetAudience
	files := []Manifest{
		{Name: "config-fleet.yaml", Objects: []map[string]any{f.configMap()}},
		{Name: "quay-token.yaml", Objects: append(f.store(controllerNamespace, FleetToken, vaultPrefix+FleetToken), f.externalSecret())},
	}
	if rights := f.rights(); len(rights) > 0 {
		files = append(files, Manifest{Name: "rbac.yaml", Objects: rights})
	}
	for _, account := range []string{FleetVerify, FleetRotate, FleetToken} {
		role, err := f.role(account, []string{controllerNamespace}, vaultPrefix+account)
		if err != nil {
			return nil, err
		}
		files = append(files, Manifest{Name: "vault/policy-" + account + ".hcl", Text: f.policyOf(account)}, Manifest{Name: "vault/role-" + account + ".json", Text: role})
	}
	return files, nil
}

// Commands are what makes Vault take its files.
func (f Fleet) Commands() (commands []string) {
	for _, account := range []string{FleetVerify, FleetRotate, FleetToken} {
		commands = append(commands, f.commands(vaultPrefix+account, "vault/policy-"+account+".hcl", "vault/role-"+account+".json")...)
	}
	return commands
}

func (f Fleet) configMap() object {
	data := object{"vault-addr": f.VaultAddress, "vault-auth-mount": f.authMount(), "oauth-path": f.QuayTokenPath}
	if f.VaultNamespace != "" {
		data["vault-namespace"] = f.VaultNamespace
	}
	c := newObject("v1", "ConfigMap", controllerNamespace, FleetConfigMap, nil)
	c["data"] = data
	return c
}

// externalSecret renders the Secret that both CronJobs mount.
func (f Fleet) externalSecret() object {
	es := newObject("external-secrets.io/v1", "ExternalSecret", controllerNamespace, FleetToken, nil)
	es["spec"] = object{
		"refreshPolicy": "Periodic", "refreshInterval": "10m0s",
		"secretStoreRef": object{"kind": "SecretStore", "name": FleetToken},
		"target":         object{"name": FleetToken, "creationPolicy": "Owner", "deletionPolicy": "Delete"},
		"data": []any{object{"secretKey": "token", "remoteRef": object{"key": f.QuayTokenPath, "property": "token",
			"conversionStrategy": "Default", "decodingStrategy": "None", "metadataPolicy": "None"}}},
	}
	return es
}

// rights let both accounts read the robots' Secrets, and no other: in custody by one Role, for nothing else is there; elsewhere by name,
// since RBAC has no pattern for the name of a Secret.
func (f Fleet) rights() (objects []map[string]any) {
	const name = "quay-push-fleet"
	if f.CustodyNamespace != "" {
		role := newObject(rbacGroup+"/v1", "Role", f.CustodyNamespace, name, nil)
		// The ServiceAccounts there are those of keyless teams.
		role["rules"] = []any{object{"apiGroups": []any{""}, "resources": []any{"secrets"}, "verbs": []any{"get"}},
			object{"apiGroups": []any{""}, "resources": []any{"serviceaccounts"}, "verbs": []any{"get", "list"}}}
		// Rotate has them name another robot; what else of them may change is for the policies to say.
		rotates := newObject(rbacGroup+"/v1", "Role", f.CustodyNamespace, name+"-rotate", nil)
		rotates["rules"] = []any{object{"apiGroups": []any{""}, "resources": []any{"serviceaccounts"}, "verbs": []any{"patch"}},
			object{"apiGroups": []any{v1alpha1.Group}, "resources": []any{"tenants"}, "verbs": []any{"rotate"}}}
		return append(objects, role, fleetBinding(f.CustodyNamespace, name, nil), rotates,
			newBinding(f.CustodyNamespace, name+"-rotate", nil, "Role", name+"-rotate", controllerNamespace, FleetRotate))
	}
	for _, t := range f.Tenants {
		labels, name := map[string]string{f.TeamLabel: t.Team}, name+"-"+t.Team
		objects = append(objects, newRole(t.Namespace, name, labels, "", "secrets", t.Secret, "get"), fleetBinding(t.Namespace, name, labels))
	}
	return objects
}

// fleetBinding binds a Role to both accounts.
func fleetBinding(namespace, role string, labels map[string]string) object {
	binding := newBinding(namespace, role, labels, "Role", role, controllerNamespace, FleetVerify)
	binding["subjects"] = append(binding["subjects"].([]any), object{"kind": "ServiceAccount", "name": FleetRotate, "namespace": controllerNamespace})
	return binding
}

// policyOf is the Vault policy of an account.
func (f Fleet) policyOf(account string) string {
	teams := f.allTeams()
	paths := [][2]string{{"data/" + teams, `"read"`}, {"metadata/" + teams, `"read"`}, {"config", `"read"`}}
	switch account {
	case FleetVerify:
		// Its age, and nothing of it.
		paths = append(paths, [2]string{"metadata/" + f.QuayTokenPath, `"read"`})
	case FleetRotate:
		paths[0][1] = `"read", "update"`
		paths = append(paths, [2]string{"destroy/" + teams, `"update"`})
	case FleetToken:
		paths = [][2]string{{"data/" + f.QuayTokenPath, `"read"`}}
	}
	var b strings.Builder
	for _, p := range paths {
		fmt.Fprintf(&b, "path %q {\n  capabilities = [%s]\n}\n", f.VaultMount+"/"+p[0], p[1])
	}
	return b.String()
}
