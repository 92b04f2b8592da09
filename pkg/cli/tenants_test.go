package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	faketekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned/fake"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	fakedynamic "k8s.io/client-go/dynamic/fake"
	fakekube "k8s.io/client-go/kubernetes/fake"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
)

// external returns an ExternalSecret that reads keys.
func external(namespace, name string, keys ...string) *unstructured.Unstructured {
	items := []any{}
	for _, key := range keys {
		items = append(items, map[string]any{"remoteRef": map[string]any{"key": key}})
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
		"metadata": map[string]any{"namespace": namespace, "name": name}, "spec": map[string]any{"data": items}}}
}

// testCluster has the shared namespace, one of team payments, and one of nobody.
func testCluster(objects ...runtime.Object) *cluster {
	namespace := func(name, team string) *corev1.Namespace {
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"apps.platform/team": team}}}
	}
	return &cluster{Clients{
		Kube:   fakekube.NewClientset(namespace("openshift-pipelines", ""), namespace("own", "team-payments"), namespace("elsewhere", "Not A Team")),
		Tekton: faketekton.NewSimpleClientset(),
		Dynamic: fakedynamic.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
			map[schema.GroupVersionResource]string{externalsecret.Resource: "ExternalSecretList"}, objects...),
	}, config.Default()}
}

// An ExternalSecret counts where only the platform or the team itself can have made it; a key may have the mount.
func TestTenants(t *testing.T) {
	c := testCluster(
		external("openshift-pipelines", "quay-robot-team-platform", "apps/base/sample/ci/quay-robot", "secret/data/apps/base/sample/ci/quay-robot"),
		external("own", "quay-robot-team-payments", "apps/retail/checkout/ci/quay-robot"),
		external("own", "quay-robot-team-platform", "apps/evil/evil/ci/quay-robot"),
		external("elsewhere", "quay-robot-team-payments", "apps/evil/evil/ci/quay-robot"),
		external("openshift-pipelines", "quay-robot-team-Upper", "x"),
		external("openshift-pipelines", "quay-robot-team-team-x", "x"),
		external("openshift-pipelines", "database", "x"))
	found, err := c.tenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, f := range found {
		lines = append(lines, f.Team+" "+f.Namespace+" "+f.VaultPath)
	}
	want := []string{"payments own apps/retail/checkout/ci/quay-robot", "platform openshift-pipelines apps/base/sample/ci/quay-robot"}
	if !slices.Equal(lines, want) {
		t.Errorf("tenants are %q", lines)
	}
}

// Two ExternalSecrets of one team would be two Secrets, of which a rotation waits for one.
func TestTenantWithTwoExternalSecrets(t *testing.T) {
	view := testCluster(external("openshift-pipelines", "quay-robot-team-payments", "a"), external("own", "quay-robot-team-payments", "a"))
	_, err := new(connection).tenant(t.Context(), services{cluster: view}, "payments", place{})
	if err == nil || !strings.Contains(err.Error(), `in the namespaces "openshift-pipelines" and "own"`) || exitOf(t.Context(), err) != ExitRefused {
		t.Errorf("error is %v", err)
	}
}

// A path that is not one alone is told as it is, and is nobody's.
func TestReadExternalSecret(t *testing.T) {
	object := external("own", "x", "b", "a")
	if got := readExternalSecret(object, "secret"); got.Path != "a, b" || got.Ready || got.Reason != "Pending" {
		t.Errorf("read %+v", got)
	}
	object.Object["status"] = map[string]any{"refreshTime": "2026-11-24T08:00:00Z", "conditions": []any{
		map[string]any{"type": "Deleted", "status": "False"},
		map[string]any{"type": "Ready", "status": "True", "reason": "SecretSynced", "message": "secret synced"}}}
	if got := readExternalSecret(object, "secret"); !got.Ready || got.Reason != "SecretSynced" || got.RefreshTime.Hour() != 8 {
		t.Errorf("read %+v", got)
	}
}

// A field by which the Secret does not follow one path in Vault is named; what onboard renders has none.
func TestReadExternalSecretNamesTheField(t *testing.T) {
	for name, test := range map[string]struct{ spec, odd, frozen, path string }{
		"one path":           {`{"data":[{"remoteRef":{"key":"a/b"}},{"remoteRef":{"key":"secret/data/a/b","property":"x"}}]}`, "", "", "a/b"},
		"an extract":         {`{"refreshPolicy":"Periodic","refreshInterval":"1h0m0s","target":{"name":"x","creationPolicy":"Owner"},"dataFrom":[{"extract":{"key":"a/b"}}]}`, "", "", "a/b"},
		"find":               {`{"dataFrom":[{"find":{"name":{"regexp":".*"}}}]}`, "spec.dataFrom[0].find reads whatever matches", "", ""},
		"find beside":        {`{"dataFrom":[{"extract":{"key":"a/b"}},{"find":{"path":"a"}}]}`, "spec.dataFrom[1].find reads whatever matches", "", "a/b"},
		"a generator":        {`{"dataFrom":[{"sourceRef":{"generatorRef":{"kind":"Password"}}}]}`, "spec.dataFrom[0].sourceRef reads from elsewhere, or makes up a value", "", ""},
		"another store":      {`{"data":[{"remoteRef":{"key":"a/b"},"sourceRef":{"storeRef":{"name":"x"}}}]}`, "spec.data[0].sourceRef reads from elsewhere, or makes up a value", "", ""},
		"two paths":          {`{"dataFrom":[{"extract":{"key":"b"}},{"extract":{"key":"a"}}]}`, "spec.data and spec.dataFrom read 2 paths: a, b", "", "a, b"},
		"nothing":            {`{}`, "neither spec.data nor spec.dataFrom reads a path", "", ""},
		"no key":             {`{"data":[{"secretKey":"x"}]}`, "spec.data[0].remoteRef.key is missing", "", ""},
		"no path":            {`{"dataFrom":[{"extract":{"key":"../sys/x?y"}}]}`, `spec.dataFrom[0].extract.key is "../sys/x?y", which is no path in Vault`, "", ""},
		"another type":       {`{"data":["x"],"dataFrom":"y"}`, "spec.data[0].remoteRef.key is missing", "", ""},
		"interval 0":         {`{"refreshInterval":"0","data":[{"remoteRef":{"key":"a"}}]}`, "", "spec.refreshInterval is 0", "a"},
		"interval 0s":        {`{"refreshInterval":"0s","refreshPolicy":"Periodic","data":[{"remoteRef":{"key":"a"}}]}`, "", "spec.refreshInterval is 0s", "a"},
		"on change":          {`{"refreshInterval":"0","refreshPolicy":"OnChange","data":[{"remoteRef":{"key":"a"}}]}`, "", "", "a"},
		"created once":       {`{"refreshInterval":"1h","refreshPolicy":"CreatedOnce","data":[{"remoteRef":{"key":"a"}}]}`, "", "spec.refreshPolicy is CreatedOnce", "a"},
		"immutable":          {`{"target":{"immutable":true},"data":[{"remoteRef":{"key":"a"}}]}`, "", "spec.target.immutable is true", "a"},
		"no Secret":          {`{"target":{"creationPolicy":"None"},"data":[{"remoteRef":{"key":"a"}}]}`, "", "spec.target.creationPolicy is None", "a"},
		"another Secret":     {`{"target":{"name":"y"},"data":[{"remoteRef":{"key":"a"}}]}`, "", `spec.target.name is "y"`, "a"},
		"a version for ever": {`{"dataFrom":[{"extract":{"key":"a","version":"3"}}]}`, "", `spec.dataFrom[0].extract.version is "3"`, "a"},
	} {
		object := external("own", "x")
		var spec map[string]any
		if err := json.Unmarshal([]byte(test.spec), &spec); err != nil {
			t.Fatal(err)
		}
		object.Object["spec"] = spec
		if got := readExternalSecret(object, "secret"); got.Odd != test.odd || got.Frozen != test.frozen || got.Path != test.path {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// An odd ExternalSecret has no path, and keeps nobody else's from being found.
func TestTenantsWithAnOddExternalSecret(t *testing.T) {
	c := testCluster(external("openshift-pipelines", "quay-robot-team-platform"), external("own", "quay-robot-team-payments", "a", "b"),
		external("openshift-pipelines", "quay-robot-team-search", "apps/x/y/ci/quay-robot"))
	found, err := c.tenants(t.Context())
	if err != nil || len(found) != 3 || found[0].VaultPath != "" || found[1].VaultPath != "" || found[2].VaultPath != "apps/x/y/ci/quay-robot" {
		t.Errorf("tenants are %+v, %v", found, err)
	}
}

// The runs of a team are those of its namespaces and those that name it in a shared one, unless they have ended.
func TestRuns(t *testing.T) {
	c := testCluster()
	for _, r := range []struct{ namespace, name, label, status string }{
		{"own", "plain", "", ""}, {"own", "ended", "", "True"},
		{"openshift-pipelines", "ours", "team-payments", "Unknown"}, {"openshift-pipelines", "theirs", "platform", ""}, {"openshift-pipelines", "nobodys", "", ""},
		{"elsewhere", "claims", "payments", ""},
	} {
		run := &pipelinev1.PipelineRun{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: r.name, UID: types.UID("uid"),
			Labels: map[string]string{"pipeline.comptech-lab.com/team": r.label}}}
		if r.status != "" {
			run.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionStatus(r.status)})
		}
		if _, err := c.Tekton.TektonV1().PipelineRuns(r.namespace).Create(t.Context(), run, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	found, err := c.Runs(t.Context(), "payments")
	slices.Sort(found)
	if want := []string{"openshift-pipelines/ours/uid", "own/plain/uid"}; err != nil || !slices.Equal(found, want) {
		t.Errorf("runs are %q, %v", found, err)
	}
}
