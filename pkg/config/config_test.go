package config

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// The ConfigMap that is installed sets nothing, so that applying it again takes nothing away; its example says what the code does
// without it, key by key.
func TestShippedConfigMapIsTheDefault(t *testing.T) {
	data, err := os.ReadFile("../../config/config-tenancy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var shipped corev1.ConfigMap
	if err := yaml.UnmarshalStrict(data, &shipped); err != nil {
		t.Fatal(err)
	}
	if len(shipped.Data) != 1 || shipped.Name != Name {
		t.Errorf("%s sets %d keys, want the example alone", shipped.Name, len(shipped.Data))
	}
	var example map[string]string
	if err := yaml.UnmarshalStrict([]byte(shipped.Data["_example"]), &example); err != nil {
		t.Fatal(err)
	}
	for _, from := range []map[string]string{shipped.Data, example} {
		got, err := FromConfigMap(&corev1.ConfigMap{Data: from})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Default(), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-default +shipped):\n%s", diff)
		}
	}
	if keys := len(Default().texts()) + len(Default().lists()) + len(Default().switches()); len(example) != keys {
		t.Errorf("the example has %d keys, the code %d", len(example), keys)
	}
}

// Every field can be set: a key that is forgotten in the tables would be a setting that nobody can change.
func TestEveryFieldHasAKey(t *testing.T) {
	c := Default()
	fields := reflect.TypeOf(*c).NumField() - 1 + reflect.TypeOf(c.Convention).NumField()
	if keys := len(c.texts()) + len(c.lists()) + len(c.switches()); keys != fields {
		t.Errorf("%d keys for %d fields", keys, fields)
	}
}

func TestFromConfigMap(t *testing.T) {
	got, err := FromConfigMap(&corev1.ConfigMap{Data: map[string]string{
		"registry": " quay.example.com:8443\n", "shared-namespaces": "ci, builds\r\n\tmore\r\n", "task": "push", "_example": "registry: x",
		"custody-namespace": "custody", "verify-results": "true\n", "internal-registries": "registry.svc:5000",
		"git-hosts": "gitlab.example.com,git.example.com:8443", "federation-audience": "quay\n",
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Registry, want.Task, want.SharedNamespaces = "quay.example.com:8443", "push", []string{"ci", "builds", "more"}
	want.CustodyNamespace, want.VerifyResults, want.InternalRegistries = "custody", true, []string{"registry.svc:5000"}
	want.GitHosts, want.FederationAudience = []string{"gitlab.example.com", "git.example.com:8443"}, "quay"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A token is for the registry, where nothing else is said.
func TestAudience(t *testing.T) {
	c := Default()
	c.Registry = "quay.example.com:8443"
	if got := c.Audience(); got != "quay.example.com:8443" {
		t.Errorf("audience %q", got)
	}
	c.FederationAudience = "quay"
	if got := c.Audience(); got != "quay" {
		t.Errorf("audience %q", got)
	}
}

func TestFromConfigMapRefuses(t *testing.T) {
	for says, data := range map[string]map[string]string{
		`no key is named "regsitry"`: {"regsitry": "quay.example.com"},
		"registry":                   {"registry": "https://quay.example.com"},
		"task":                       {"task": ""},
		"task-namespace":             {"task-namespace": " "},
		`verify-results is "yes"`:    {"verify-results": "yes"},
		"<team>":                     {"secret": "quay-robot"},
		"run-labels":                 {"run-labels": ""},
		"custody-namespace":          {"internal-registries": "registry.svc:5000"},
		"copy-task":                  {"internal-registries": "registry.svc:5000", "custody-namespace": "custody", "copy-task": ""},
		`internal-registries: "http`: {"internal-registries": "http://registry.svc", "custody-namespace": "custody"},
	} {
		if got, err := FromConfigMap(&corev1.ConfigMap{Data: data}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v = %v, %v, want an error that says %q", data, got, err, says)
		}
	}
}
