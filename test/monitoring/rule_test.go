package monitoring

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What fires at night is found in the docs, with what to do.
func TestAlertsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := ReadRules(Manifests + "prometheus-rule.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := rules.Alerts()
	for _, rule := range all {
		if !strings.Contains(string(page), "\n### "+rule.Alert+"\n") {
			t.Errorf("docs/operations.md has no section %s", rule.Alert)
		}
		link, err := url.Parse(rule.Annotations["runbook_url"])
		if err != nil || !strings.HasSuffix(link.Path, "/docs/operations.md") || link.Fragment != strings.ToLower(rule.Alert) {
			t.Errorf("%s has runbook_url %q", rule.Alert, rule.Annotations["runbook_url"])
		}
		if s := rule.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s has severity %q", rule.Alert, s)
		}
		known(t, rule.Alert, rule.Expr)
	}
	if sections := strings.Count(string(page), "\n### QuayPush"); sections != len(all) {
		t.Errorf("docs/operations.md has %d sections for %d alerts", sections, len(all))
	}
}

// known checks that every metric in expr is one that the docs list.
func known(t *testing.T, where, expr string) {
	t.Helper()
	names, err := Documented()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Metrics(expr) {
		if name != "up" && !names[name] {
			t.Errorf("%s reads %s, which neither docs/operations.md nor docs/fleet.md lists", where, name)
		}
	}
}

func TestMetrics(t *testing.T) {
	for expr, want := range map[string][]string{
		`sum by (team) (rate(quay_push_b_bucket{a="quay_push"}[5m])) / quay_push_a_total + up + quay_push_a_total`: {"quay_push_a_total", "quay_push_b", "up"},
		`count(up{job="a}b"} == 1) or vector(0)`:                                         {"up"},
		`a_sum AND on (x, y) group_left (z) b unless ignoring(c) d offset 5m > bool 1.5`: {"a", "b", "d"},
		`quantile_over_time (0.9, kn_depth[1h:5m]) and job:rate5m`:                       {"job:rate5m", "kn_depth"},
		`1 + vector(2)`: {},
	} {
		if got := Metrics(expr); !slices.Equal(got, want) {
			t.Errorf("Metrics(%s) = %q, want %q", expr, got, want)
		}
	}
}

func TestReadRules(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rules.yaml")
	for text, want := range map[string]string{
		"kind: ConfigMap": `it is a "ConfigMap"`,
		"kind: PrometheusRule\nspec: {groups: [{name: a, rules: [{alert: A, expr: up, whilst: 5m}]}]}": `unknown field`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadRules(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
