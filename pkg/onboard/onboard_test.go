package onboard_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

func team(t *testing.T, edit func(*onboard.Team)) onboard.Team {
	t.Helper()
	names, err := robot.NewTenant(convention(), "payments", "retail", "checkout")
	if err != nil {
		t.Fatal(err)
	}
	result := onboard.Team{Convention: convention(), Tenant: names}
	edit(&result)
	return result
}

// objects lists what the files hold, as "kind namespace/name".
func objects(t *testing.T, files []onboard.Manifest) (names []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, m := range files {
		data, err := m.Bytes()
		if err != nil || seen[m.Name] {
			t.Errorf("file %q: %v", m.Name, err)
		}
		seen[m.Name] = true
		for _, document := range strings.Split(string(data), "---\n") {
			var o struct {
				Kind     string
				Metadata struct {
					Namespace, Name string
					Labels          map[string]string
				}
			}
			if err := yaml.Unmarshal([]byte(document), &o); err != nil {
				t.Fatal(err)
			}
			if o.Metadata.Labels["app.kubernetes.io/part-of"] != "quay-push" {
				t.Errorf("%s %s does not say what it is part of", o.Kind, o.Metadata.Name)
			}
			names = append(names, o.Kind+" "+o.Metadata.Namespace+"/"+o.Metadata.Name)
		}
	}
	return names
}

func TestTeam(t *testing.T) {
	secret, controller := "ExternalSecret openshift-pipelines/quay-robot-team-payments", "openshift-pipelines/quay-push-secret-payments"
	for name, test := range map[string]struct {
		edit func(*onboard.Team)
		want []string
	}{
		"in the shared namespace": {func(*onboard.Team) {}, []string{secret, "Role " + controller, "RoleBinding " + controller}},
		"with a trigger": {func(x *onboard.Team) { x.Trigger = onboard.ServiceAccount{Namespace: "ci", Name: "trigger"} },
			[]string{secret, "Role " + controller, "RoleBinding " + controller, "Role openshift-pipelines/push-as-payments", "RoleBinding openshift-pipelines/push-as-payments"}},
		"with a namespace": {func(x *onboard.Team) { x.Namespace, x.Tenant.Namespace = "own", "own" },
			[]string{"Namespace /own", "ResourceQuota own/quay-push-runs", "ExternalSecret own/quay-robot-team-payments", "Role own/quay-push-secret-payments", "RoleBinding own/quay-push-secret-payments"}},
		"in custody": {func(x *onboard.Team) { x.Namespace, x.Tenant.Namespace, x.Custody = "own", "custody", true },
			[]string{"Namespace /own", "ResourceQuota own/quay-push-runs", "ExternalSecret custody/quay-robot-team-payments", "RoleBinding own/quay-push-custody-copy"}},
		"a second app in custody": {func(x *onboard.Team) {
			x.Namespace, x.Tenant.Namespace, x.Custody, x.Adopted = "second", "custody", true, true
		},
			[]string{"Namespace /second", "ResourceQuota second/quay-push-runs", "RoleBinding second/quay-push-custody-copy"}},
		"a second app": {func(x *onboard.Team) { x.Adopted = true }, []string{"Role " + controller, "RoleBinding " + controller}},
	} {
		if diff := cmp.Diff(test.want, objects(t, team(t, test.edit).Manifests())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// spec returns the ExternalSecret's spec as JSON, which has its keys in order.
func spec(t *testing.T, x onboard.Team) string {
	t.Helper()
	for _, m := range x.Manifests() {
		if m.Name == "external-secret.yaml" {
			data, err := json.Marshal(m.Objects[0]["spec"])
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
	}
	t.Fatal("no ExternalSecret")
	return ""
}

// Fields and annotations of newer versions are there only where they are asked for.
func TestExternalSecretOfAVersion(t *testing.T) {
	old := spec(t, team(t, func(*onboard.Team) {}))
	if strings.Contains(old, "nullBytePolicy") || strings.Contains(old, "vaultVersion") {
		t.Errorf("spec is %s", old)
	}
	fresh := spec(t, team(t, func(x *onboard.Team) { x.NullBytePolicy, x.VersionAnnotation = true, true }))
	for _, want := range []string{
		`"annotations":{"quay.comptech-lab.com/vault-version":"{{ .vaultVersion }}"}`,
		`"data":[{"remoteRef":{"conversionStrategy":"Default","decodingStrategy":"None","key":"apps/retail/checkout/ci/quay-robot","metadataPolicy":"Fetch","nullBytePolicy":"Ignore","property":"current_version"},"secretKey":"vaultVersion"}]`,
		`"extract":{"conversionStrategy":"Default","decodingStrategy":"None","key":"apps/retail/checkout/ci/quay-robot","metadataPolicy":"None","nullBytePolicy":"Ignore"}`,
	} {
		if !strings.Contains(fresh, want) {
			t.Errorf("spec has no %s:\n%s", want, fresh)
		}
	}
}

func TestPlatform(t *testing.T) {
	p := onboard.Platform{Convention: convention(), Namespaces: []string{"b", "a", "b"}, VaultAddress: "https://vault.example.com:8200"}
	files, err := p.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ServiceAccount a/pipelines-vault-apps", "SecretStore a/pipelines-vault-apps", "ServiceAccount b/pipelines-vault-apps", "SecretStore b/pipelines-vault-apps"}
	if diff := cmp.Diff(want, objects(t, files[:2])); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	policy, role := files[2], files[3]
	// Vault takes a * within a path for a letter, and denies everything.
	if strings.Contains(policy.Text, "*") || !strings.Contains(policy.Text, `path "secret/data/apps/+/+/ci/quay-robot" {`) {
		t.Errorf("policy is\n%s", policy.Text)
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(role.Text), &fields); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{"a", "b"}, fields["bound_service_account_namespaces"]); diff != "" {
		t.Errorf("namespaces (-want +got):\n%s", diff)
	}
	for i, m := range []onboard.Manifest{policy, role} {
		if !strings.Contains(p.Commands()[i], m.Name) {
			t.Errorf("command %q does not take %q", p.Commands()[i], m.Name)
		}
	}
}

// kubectl apply -f DIR and Argo CD read the files of a directory, not those below it, and every one that could be a manifest.
func TestWhatIsForVaultIsApart(t *testing.T) {
	p := onboard.Platform{Convention: convention(), Namespaces: []string{"a"}, VaultAddress: "https://vault.example.com:8200"}
	platform, err := p.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	fleet, err := onboard.Fleet{Platform: p, QuayTokenPath: "platform/token"}.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	apart := map[bool]int{}
	for _, m := range append(platform, fleet...) {
		below := strings.HasPrefix(m.Name, "vault/")
		apart[below]++
		if below != (m.Objects == nil) || strings.Count(m.Name, "/") > 1 || !below && strings.Contains(m.Name, "/") {
			t.Errorf("%q has %d objects", m.Name, len(m.Objects))
		}
	}
	if apart[true] != 8 || apart[false] != 3 {
		t.Errorf("%d files are for Vault, and %d for the cluster", apart[true], apart[false])
	}
}

func convention() tenant.Convention {
	c := tenant.Default()
	c.Registry = "quay.apps.sub.comptech-lab.com"
	return c
}

// What the login needs is in both halves of it: the SecretStore and the role with its commands.
func TestPlatformOfAnotherVault(t *testing.T) {
	p := onboard.Platform{Convention: convention(), Namespaces: []string{"a"}, VaultAddress: "https://vault.example.com:8200",
		VaultNamespace: "admin/ci", AuthMount: "k8s", Audience: "vault", CABundle: []byte("PEM")}
	files, err := p.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	store, err := files[0].Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"namespace: admin/ci\n", "mountPath: k8s\n", "audiences:\n            - vault\n", "caBundle: UEVN\n"} {
		if !strings.Contains(string(store), want) {
			t.Errorf("the store has no %q:\n%s", want, store)
		}
	}
	if !strings.Contains(files[2].Text, `"audience": "vault"`) {
		t.Errorf("role is %s", files[2].Text)
	}
	want := []string{"vault policy write -namespace=admin/ci pipelines-vault-apps vault/policy.hcl", "vault write -namespace=admin/ci auth/k8s/role/pipelines-vault-apps @vault/role.json"}
	if diff := cmp.Diff(want, p.Commands()); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}
