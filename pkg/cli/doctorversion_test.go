package cli

import (
	"errors"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	fakediscovery "k8s.io/client-go/discovery/fake"
	fakedynamic "k8s.io/client-go/dynamic/fake"
	fakekube "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/pkg/config"
)

// found is the one look that was added, as "health detail; next".
func found(t *testing.T, d *doctor) string {
	t.Helper()
	if len(d.found.Looks) != 1 {
		t.Fatalf("looks are %v", d.found.Looks)
	}
	l := d.found.Looks[0]
	return string(l.Health) + " " + l.Detail + "; " + l.Next
}

// Each line of Quay has a last version that is known to show robots' tokens; an older line has none that is not.
func TestQuayVersion(t *testing.T) {
	for version, want := range map[string]health{
		"3.18.0": sick, "3.18.1": warning, "3.17.4": sick, "3.17.5": warning, "3.12.21": sick, "3.12.9": sick, "3.12.22": warning,
		"3.9.20": sick, "2.9.5": sick, "3.19.0": warning, "4.0.0": warning, "3.18.0-rc1": sick, "": unknown, "nightly": unknown,
	} {
		d := &doctor{}
		d.addQuayVersion(version)
		if got := found(t, d); !strings.HasPrefix(got, string(want)+" ") || !strings.Contains(got, "CVE-2026-110697") {
			t.Errorf("version %q: %s, want %s", version, got, want)
		}
	}
}

// definition is ExternalSecrets' own, with or without the field that came in v2.3.
func definition(t *testing.T, field bool) *unstructured.Unstructured {
	t.Helper()
	version := map[string]any{"name": "v1"}
	if field {
		path := []string{"schema", "openAPIV3Schema", "properties", "spec", "properties", "dataFrom", "items", "properties", "extract", "properties", "nullBytePolicy"}
		if err := unstructured.SetNestedMap(version, map[string]any{"type": "string"}, path...); err != nil {
			t.Fatal(err)
		}
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "externalsecrets.external-secrets.io"}, "spec": map[string]any{"versions": []any{version}}}}
}

func TestExternalSecretsVersion(t *testing.T) {
	deployment := func(namespace, version string) *appsv1.Deployment {
		return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "external-secrets",
			Labels: map[string]string{"app.kubernetes.io/name": "external-secrets", "app.kubernetes.io/version": version}}}
	}
	stranger := deployment("a", "v9.9.9")
	stranger.Labels["app.kubernetes.io/name"] = "external-secrets-webhook"
	for name, test := range map[string]struct {
		deployments []runtime.Object
		field       bool
		forbidden   bool
		want        string
	}{
		"new":                  {deployments: []runtime.Object{deployment("a", "v2.4.1")}, want: "ok External Secrets is v2.4.1; "},
		"old":                  {deployments: []runtime.Object{deployment("a", "v2.4.0")}, field: true, want: "failed External Secrets is v2.4.0, which is too old; install External Secrets v2.4.1 or newer: older ones"},
		"the oldest counts":    {deployments: []runtime.Object{deployment("a", "v2.9.0"), deployment("b", "v1.3.2")}, want: "failed External Secrets is v1.3.2, which is too old; "},
		"another's Deployment": {deployments: []runtime.Object{stranger}, field: true, want: "warning External Secrets is v2.3 or newer, by its fields"},
		"no version on it":     {deployments: []runtime.Object{deployment("a", "main")}, want: "failed External Secrets is older than v2.3"},
		"may not be seen":      {deployments: []runtime.Object{deployment("a", "v2.4.1")}, forbidden: true, field: true, want: "warning External Secrets is v2.3 or newer, by its fields"},
	} {
		kube := fakekube.NewClientset(test.deployments...)
		kube.Discovery().(*fakediscovery.FakeDiscovery).Resources = []*metav1.APIResourceList{{
			GroupVersion: "external-secrets.io/v1", APIResources: []metav1.APIResource{{Name: "externalsecrets"}}}}
		if test.forbidden {
			kube.PrependReactor("list", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("forbidden") })
		}
		dynamic := fakedynamic.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
			map[schema.GroupVersionResource]string{customResourceDefinitions: "CustomResourceDefinitionList"}, definition(t, test.field))
		d := &doctor{clients: Clients{Kube: kube, Dynamic: dynamic}, config: config.Default()}
		d.lookAtExternalSecrets(t.Context())
		if got := found(t, d); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
