package cli

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A team takes a namespace that is nobody's, its own, or does not exist; none of another team's, the platform's or the cluster's.
func TestCheckOwnership(t *testing.T) {
	c := testCluster()
	c.config.CustodyNamespace, c.config.SharedNamespaces = "custody", []string{"ci-shared"}
	c.config.PipelineNamespaces, c.config.TektonAccounts = []string{"pipelines"}, []string{"tekton:controller"}
	free := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "free"}}
	if _, err := c.Kube.CoreV1().Namespaces().Create(t.Context(), free, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for namespace, want := range map[string]struct {
		text string
		exit Exit
	}{
		"":                    {"", ExitOK},
		"own":                 {"", ExitOK},
		"free":                {"", ExitOK},
		"not-there-yet":       {"", ExitOK},
		"openshift-pipelines": {"the robots' Secrets are there", ExitRefused},
		"ci-shared":           {"it is shared, by shared-namespaces", ExitRefused},
		"custody":             {"the robots' Secrets are there", ExitRefused},
		"pipelines":           {"the platform's Tasks and Pipelines are there", ExitRefused},
		"tekton":              {"Tekton is installed there", ExitRefused},
		"quay-push":           {"quay-push is installed there", ExitRefused},
		"kube-system":         {"it is the cluster's own", ExitRefused},
		"openshift-config":    {"it is the cluster's own", ExitRefused},
		"default":             {"it is the cluster's own", ExitRefused},
		"elsewhere":           {`its label apps.platform/team is "Not A Team"`, ExitRefused},
		"Apps Payments":       {"cannot be the name of a namespace", ExitUsage},
		"a.b":                 {"cannot be the name of a namespace", ExitUsage},
	} {
		err := c.checkOwnership(t.Context(), "payments", namespace)
		if exit := exitOf(t.Context(), err); exit != want.exit || err != nil && (!strings.Contains(err.Error(), want.text) || nextOf(err) == "") {
			t.Errorf("%q: exit %d, %v", namespace, exit, err)
		}
	}
	if err := c.checkOwnership(t.Context(), "platform", "own"); err == nil || !strings.Contains(err.Error(), `its label apps.platform/team is "team-payments"`) {
		t.Errorf("another team's: %v", err)
	}
}
