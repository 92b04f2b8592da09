package monitoring

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// documents reads the YAML documents of a file below the repository's root.
func documents(t *testing.T, path string) (all []map[string]any) {
	t.Helper()
	content, err := os.ReadFile("../../" + path)
	if err != nil {
		t.Fatal(err)
	}
	for document := range strings.SplitSeq("\n"+string(content), "\n---\n") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, object)
	}
	return all
}

// What OpenShift's monitoring of user-defined projects leaves out of a project: one that is OpenShift's own, and one that does not want it.
func TestNamespaceIsAUserProject(t *testing.T) {
	for _, object := range documents(t, "config/100-namespace.yaml") {
		labels := object["metadata"].(map[string]any)["labels"].(map[string]any)
		for _, key := range []string{"openshift.io/cluster-monitoring", "openshift.io/user-monitoring"} {
			if value, ok := labels[key]; ok {
				t.Errorf("label %s is %v", key, value)
			}
		}
	}
}

// There a ServiceMonitor is not taken if Prometheus would have to read a file of its own for it (arbitraryFSAccessThroughSMs).
func TestServiceMonitorReadsNoFile(t *testing.T) {
	content, err := os.ReadFile(Manifests + "service-monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?m)^\s*(bearerTokenFile|caFile|certFile|keyFile):`).FindString(string(content)); found != "" {
		t.Errorf("it has %s", found)
	}
	for _, file := range []string{"service-monitor.yaml", "prometheus-rule.yaml"} {
		metadata := documents(t, "config/monitoring/"+file)[0]["metadata"].(map[string]any)
		if metadata["namespace"] != "quay-push" {
			t.Errorf("%s is in namespace %v, and not in the controller's", file, metadata["namespace"])
		}
	}
}

// There every selector of a rule gets the matcher namespace="quay-push", and its result that label: an alert that reads another
// namespace would never fire, and one that sets the label would say another.
func TestRulesAreOfOneNamespace(t *testing.T) {
	rules, err := ReadRules(Manifests + "prometheus-rule.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := rules.Alerts()
	for _, rule := range all {
		if err := oneNamespace(rule); err != "" {
			t.Errorf("%s %s", rule.Alert, err)
		}
	}
	if len(all) < 10 {
		t.Errorf("%d alerts", len(all))
	}
	for want, rule := range map[string]Rule{
		"reads kube_pod_info": {Expr: "kube_pod_info > 0"},
		"selects a namespace": {Expr: `quay_push_leading{namespace="other"}`},
		"sets the label":      {Expr: "quay_push_leading", Labels: map[string]string{"namespace": "other"}},
		"":                    {Expr: `absent(up{job="quay-push"} == 1) or sum by (shared_namespace) (quay_push_policy_enforced)`},
	} {
		if got := oneNamespace(rule); got != want {
			t.Errorf("of %+v it says %q, want %q", rule, got, want)
		}
	}
}

// oneNamespace says what of a rule is not about the controller's namespace alone.
func oneNamespace(rule Rule) string {
	for _, metric := range Metrics(rule.Expr) {
		if metric != "up" && !strings.HasPrefix(metric, "quay_push_") {
			return "reads " + metric
		}
	}
	switch {
	case regexp.MustCompile(`\{[^}]*\bnamespace\s*(=|!)`).MatchString(rule.Expr):
		return "selects a namespace"
	case rule.Labels["namespace"] != "":
		return "sets the label"
	}
	return ""
}
