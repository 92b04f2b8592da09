package onboard_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// fleetOf returns the files of a fleet by their names, with what edit changes.
func fleetOf(t *testing.T, edit func(*onboard.Fleet)) (onboard.Fleet, map[string]onboard.Manifest) {
	t.Helper()
	f := onboard.Fleet{Platform: onboard.Platform{Convention: convention(), VaultAddress: "https://vault.example.com:8200"}, QuayTokenPath: "platform/quay-push/quay-token"}
	edit(&f)
	files, err := f.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	objects(t, slices.DeleteFunc(slices.Clone(files), func(m onboard.Manifest) bool { return m.Objects == nil }))
	byName := map[string]onboard.Manifest{}
	for _, m := range files {
		byName[m.Name] = m
	}
	return f, byName
}

// Each account may do in Vault what its work needs: verify reads, rotate writes and destroys, and the one that External Secrets uses reads
// the OAuth token and no team's.
func TestFleetPolicies(t *testing.T) {
	_, files := fleetOf(t, func(*onboard.Fleet) {})
	for account, want := range map[string]string{
		"fleet-verify": `path "secret/data/apps/+/+/ci/quay-robot" {
  capabilities = ["read"]
}
path "secret/metadata/apps/+/+/ci/quay-robot" {
  capabilities = ["read"]
}
path "secret/config" {
  capabilities = ["read"]
}
path "secret/metadata/platform/quay-push/quay-token" {
  capabilities = ["read"]
}
`,
		"fleet-rotate": `path "secret/data/apps/+/+/ci/quay-robot" {
  capabilities = ["read", "update"]
}
path "secret/metadata/apps/+/+/ci/quay-robot" {
  capabilities = ["read"]
}
path "secret/config" {
  capabilities = ["read"]
}
path "secret/destroy/apps/+/+/ci/quay-robot" {
  capabilities = ["update"]
}
`,
		"fleet-quay-token": `path "secret/data/platform/quay-push/quay-token" {
  capabilities = ["read"]
}
`,
	} {
		if diff := cmp.Diff(want, files["vault/policy-"+account+".hcl"].Text); diff != "" {
			t.Errorf("policy of %s (-want +got):\n%s", account, diff)
		}
		var role map[string]any
		if err := json.Unmarshal([]byte(files["vault/role-"+account+".json"].Text), &role); err != nil {
			t.Fatal(err)
		}
		wantRole := map[string]any{"bound_service_account_names": []any{account}, "bound_service_account_namespaces": []any{"quay-push"},
			"token_policies": []any{"quay-push-" + account}, "token_ttl": "10m", "audience": "vault"}
		if diff := cmp.Diff(wantRole, role); diff != "" {
			t.Errorf("role of %s (-want +got):\n%s", account, diff)
		}
	}
}

// The page shows those very policies, and the role of one account.
func TestTheFleetsPageHasThePolicies(t *testing.T) {
	page, err := os.ReadFile("../../docs/fleet.md")
	if err != nil {
		t.Fatal(err)
	}
	f, files := fleetOf(t, func(*onboard.Fleet) {})
	for name, m := range files {
		if strings.HasSuffix(name, ".hcl") && !strings.Contains(string(page), "```hcl\n# "+name+"\n"+m.Text+"```\n") {
			t.Errorf("the page has not %s:\n%s", name, m.Text)
		}
	}
	if role := files["vault/role-fleet-verify.json"].Text; !strings.Contains(string(page), "```json\n"+role+"```\n") {
		t.Errorf("the page has not the role:\n%s", role)
	}
	for _, command := range f.Commands() {
		if !strings.Contains(string(page), "\n"+command+"\n") {
			t.Errorf("the page has not %q", command)
		}
	}
}

// The store reads with an account of its own, for another audience than the API server's, and the ExternalSecret has one key.
func TestFleetReadsTheQuayToken(t *testing.T) {
	_, files := fleetOf(t, func(f *onboard.Fleet) {
		f.VaultNamespace, f.AuthMount, f.CABundle, f.QuayTokenPath = "admin/ci", "k8s", []byte("PEM"), "quay/oauth"
	})
	data, err := files["quay-token.yaml"].Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"mountPath: k8s\n", "role: quay-push-fleet-quay-token\n", "audiences:\n            - vault\n", "name: fleet-quay-token\n",
		"namespace: admin/ci\n", "caBundle: UEVN\n", "key: quay/oauth\n", "property: token\n", "secretKey: token\n"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("it has no %q:\n%s", want, data)
		}
	}
	data, err = files["config-fleet.yaml"].Bytes()
	if err != nil {
		t.Fatal(err)
	}
	var c struct{ Data map[string]string }
	if err := yaml.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"vault-addr": "https://vault.example.com:8200", "vault-auth-mount": "k8s", "oauth-path": "quay/oauth", "vault-namespace": "admin/ci"}, c.Data); diff != "" {
		t.Errorf("ConfigMap (-want +got):\n%s", diff)
	}
}

// In custody one Role is for all, and outside of it each team's Secret is named.
func TestFleetMayReadTheRobotsSecrets(t *testing.T) {
	payments := team(t, func(*onboard.Team) {}).Tenant
	_, files := fleetOf(t, func(f *onboard.Fleet) { f.Tenants = []robot.Tenant{payments} })
	want := []string{"Role openshift-pipelines/quay-push-fleet-payments", "RoleBinding openshift-pipelines/quay-push-fleet-payments"}
	if diff := cmp.Diff(want, objects(t, []onboard.Manifest{files["rbac.yaml"]})); diff != "" {
		t.Errorf("outside of custody (-want +got):\n%s", diff)
	}
	data, err := files["rbac.yaml"].Bytes()
	if err != nil || strings.Count(string(data), "name: fleet-verify\n")+strings.Count(string(data), "name: fleet-rotate\n") != 2 ||
		!strings.Contains(string(data), "resourceNames:\n  - quay-robot-team-payments\n") {
		t.Errorf("%v\n%s", err, data)
	}
	_, files = fleetOf(t, func(f *onboard.Fleet) { f.CustodyNamespace = "quay-push-custody" })
	want = []string{"Role quay-push-custody/quay-push-fleet", "RoleBinding quay-push-custody/quay-push-fleet",
		"Role quay-push-custody/quay-push-fleet-rotate", "RoleBinding quay-push-custody/quay-push-fleet-rotate"}
	if diff := cmp.Diff(want, objects(t, []onboard.Manifest{files["rbac.yaml"]})); diff != "" {
		t.Errorf("in custody (-want +got):\n%s", diff)
	}
	if _, files = fleetOf(t, func(*onboard.Fleet) {}); files["rbac.yaml"].Objects != nil {
		t.Errorf("without teams: %v", files["rbac.yaml"])
	}
}
