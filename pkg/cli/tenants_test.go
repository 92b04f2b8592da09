package cli

import (
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
	"github.com/comptech-lab/quay-push/pkg/robot"
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
			map[schema.GroupVersionResource]string{externalSecrets: "ExternalSecretList"}, objects...),
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
	_, err := new(connection).tenant(t.Context(), robot.Services{Cluster: view}, "payments", place{})
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
