//go:build promtool

package monitoring

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// scenario is what Prometheus has read, one value a minute, and how the alert stands at a time: which labels fire, and what the
// annotations say for $value.
type scenario struct {
	name, load string
	at         time.Duration
	fires      []map[string]string
	value      string
}

// scenarios by alert: each fires in one, and is silent in another that comes close.
var scenarios = map[string][]scenario{
	"QuayPushDown": {
		{"nothing is read", `up{job="another"} 1x10`, 3 * time.Minute, []map[string]string{{}}, ""},
		{"both are down", `up{job="quay-push", pod="a"} 0x10
			up{job="quay-push", pod="b"} 0x10`, 3 * time.Minute, []map[string]string{{}}, ""},
		{"one is up", `up{job="quay-push", pod="a"} 1x10
			up{job="quay-push", pod="b"} 0x10`, 10 * time.Minute, nil, ""},
		{"a restart", `up{job="quay-push", pod="a"} 1 0 1x10`, 5 * time.Minute, nil, ""},
	},
	"QuayPushNoStandby": {
		{"one is left", `up{job="quay-push", pod="a"} 1x30
			up{job="quay-push", pod="b"} 0x30`, 16 * time.Minute, []map[string]string{{}}, ""},
		{"a rollout", `up{job="quay-push", pod="a"} 1x30
			up{job="quay-push", pod="b"} 0x10 1x20`, 9 * time.Minute, nil, ""},
	},
	"QuayPushNoLeader": {
		{"nobody leads one kind", `quay_push_leading{kind="PushImage", pod="a"} 0x10
			quay_push_leading{kind="PushImage", pod="b"} 0x10
			quay_push_leading{kind="ResolveTenant", pod="a"} 1x10`, 3 * time.Minute, []map[string]string{{"kind": "PushImage"}}, ""},
		{"the lease goes over", `quay_push_leading{kind="PushImage", pod="a"} 1 0x10
			quay_push_leading{kind="PushImage", pod="b"} 0 0 1x10`, 5 * time.Minute, nil, ""},
	},
	"QuayPushUnanswered": {
		{"a run waits", `quay_push_unanswered_age_seconds{kind="PushImage", pod="a"} 0+60x10
			quay_push_unanswered_age_seconds{kind="PushImage", pod="b"} 0x10`, 3 * time.Minute, []map[string]string{{"kind": "PushImage"}}, "3m 0s"},
		{"runs come and go", `quay_push_unanswered_age_seconds{kind="PushImage"} 20x10`, 10 * time.Minute, nil, ""},
	},
	"QuayPushPolicyMissing": {
		{"one of two namespaces", `quay_push_policy_enforced{shared_namespace="ci"} 0x10
			quay_push_policy_enforced{shared_namespace="openshift-pipelines"} 1x10`, 2 * time.Minute, []map[string]string{{"shared_namespace": "ci"}}, ""},
		{"enforced", `quay_push_policy_enforced{shared_namespace="ci"} 1x10`, 10 * time.Minute, nil, ""},
	},
	"QuayPushDenials": {
		{"somebody tries names", `quay_push_decisions_total{rule="namespace-label", reason="TenantConflict"} 0+5x20`, 10 * time.Minute,
			[]map[string]string{{"reason": "TenantConflict", "rule": "namespace-label"}}, "50"},
		{"a few", `quay_push_decisions_total{rule="namespace-label", reason="TenantConflict"} 0+1x20`, 15 * time.Minute, nil, ""},
		{"many are allowed", `quay_push_decisions_total{rule="namespace-label", reason="Allowed"} 0+500x20`, 15 * time.Minute, nil, ""},
	},
	"QuayPushSecretUnfit": {
		{"missing", `quay_push_secret_checks_total{team="payments", reason="SecretMissing"} 1 1 2 2 2 2 2`, 6 * time.Minute,
			[]map[string]string{{"reason": "SecretMissing", "team": "payments"}}, ""},
		{"long ago", `quay_push_secret_checks_total{team="payments", reason="SecretMissing"} 1 2x60`, 50 * time.Minute, nil, ""},
		{"valid", `quay_push_secret_checks_total{team="payments", reason="Valid"} 0+1x60`, 30 * time.Minute, nil, ""},
	},
	"QuayPushFailing": {
		{"one team's fail", `quay_push_push_duration_seconds_count{team="payments", reason="StepFailed"} 0+1x40
			quay_push_push_duration_seconds_count{team="platform", reason="Succeeded"} 0+1x40`, 40 * time.Minute, []map[string]string{{"team": "payments"}}, ""},
		{"a third fails", `quay_push_push_duration_seconds_count{team="payments", reason="StepFailed"} 0+1x40
			quay_push_push_duration_seconds_count{team="payments", reason="Succeeded"} 0+2x40`, 40 * time.Minute, nil, ""},
		{"one failed", `quay_push_push_duration_seconds_count{team="payments", reason="StepFailed"} 0x20 1x20`, 40 * time.Minute, nil, ""},
		{"cancelled", `quay_push_push_duration_seconds_count{team="payments", reason="CustomRunCancelled"} 0+1x40`, 40 * time.Minute, nil, ""},
	},
	"QuayPushTokenOld": {
		{"ten days and a day", `quay_push_fleet_token_age_seconds{team="payments", pod="a"} 950000+60x200
			quay_push_fleet_token_age_seconds{team="payments", pod="b"} 950000+60x200
			quay_push_fleet_token_age_seconds{team="platform", pod="a"} 3600+60x200
			quay_push_fleet_token_max_age_seconds{pod="a"} 864000x200`, 100 * time.Minute, []map[string]string{{"team": "payments"}}, "11d 1h 33m 20s"},
		{"rotate is due", `quay_push_fleet_token_age_seconds{team="payments"} 900000+60x200
			quay_push_fleet_token_max_age_seconds{} 864000x200`, 3 * time.Hour, nil, ""},
		{"rotate never ran", `quay_push_fleet_token_age_seconds{team="payments"} 9000000+60x200`, 3 * time.Hour, nil, ""},
	},
	"QuayPushCheckFailing": {
		{"four runs find it", `quay_push_fleet_finding{team="payments", check="vault-token", status="failed", pod="a"} 1x300
			quay_push_fleet_finding{team="payments", check="push-right", status="skipped", pod="a"} 1x300`, 200 * time.Minute,
			[]map[string]string{{"team": "payments", "check": "vault-token"}}, ""},
		{"one run found it", `quay_push_fleet_finding{team="payments", check="vault-token", status="failed"} 1x60 _x240`, 200 * time.Minute, nil, ""},
	},
	"QuayPushOAuthTokenOld": {
		{"a hundred days", `quay_push_fleet_oauth_token_age_seconds{pod="a"} 8640000+60x100
			quay_push_fleet_oauth_token_age_seconds{pod="b"} 8640000+60x100`, 65 * time.Minute, []map[string]string{{}}, "100d 1h 5m 0s"},
		{"eighty days", `quay_push_fleet_oauth_token_age_seconds{pod="a"} 6912000+60x100`, 65 * time.Minute, nil, ""},
	},
	"QuayPushVerifyMissing": {
		{"it never ran", `quay_push_fleet_last_success_timestamp_seconds{run="verify", pod="a"} 0x400
			quay_push_fleet_last_success_timestamp_seconds{run="rotate", pod="a"} 0x400`, 6 * time.Hour, []map[string]string{{}}, ""},
		{"it runs", `quay_push_fleet_last_success_timestamp_seconds{run="verify", pod="a"} 0+60x400`, 6 * time.Hour, nil, ""},
		{"the first is due", `quay_push_fleet_last_success_timestamp_seconds{run="verify", pod="a"} _x299 0x100`, 6 * time.Hour, nil, ""},
		{"it is not applied", `up{job="quay-push"} 1x400`, 6 * time.Hour, nil, ""},
	},
	"QuayPushRotateMissing": {
		{"three days ago", `quay_push_fleet_last_success_timestamp_seconds{run="rotate", pod="a"} 0x3800`, 60 * time.Hour, []map[string]string{{}}, ""},
		{"yesterday", `quay_push_fleet_last_success_timestamp_seconds{run="rotate", pod="a"} 0x1800 108000x2000`, 60 * time.Hour, nil, ""},
	},
}

// TestAlerts plays every scenario to Prometheus' promtool.
func TestAlerts(t *testing.T) {
	rules, err := ReadRules(Manifests + "prometheus-rule.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, "rules.yaml", rules)
	if len(rules.Alerts()) != len(scenarios) {
		t.Errorf("%d alerts, scenarios for %d", len(rules.Alerts()), len(scenarios))
	}
	for _, rule := range rules.Alerts() {
		silent, loud := false, false
		for _, s := range scenarios[rule.Alert] {
			silent, loud = silent || len(s.fires) == 0, loud || len(s.fires) > 0
			t.Run(rule.Alert+"/"+s.name, func(t *testing.T) {
				promtool(t, "test", "rules", write(t, "test.yaml", s.test(file, rule)))
			})
		}
		if !silent || !loud {
			t.Errorf("%s is not shown both firing and silent", rule.Alert)
		}
	}
}

// TestQueries has promtool parse every query of the dashboard.
func TestQueries(t *testing.T) {
	var all Rules
	for _, p := range readDashboard(t).Panels {
		for i, target := range p.Targets {
			expr := strings.NewReplacer("$team", "payments", "$__rate_interval", "5m", "$__range", "1h").Replace(target.Expr)
			all.Groups = append(all.Groups, Group{Name: fmt.Sprintf("%d-%d", p.ID, i), Rules: []Rule{{Record: "panel", Expr: expr}}})
		}
	}
	promtool(t, "check", "rules", "--lint=none", write(t, "dashboard.yaml", all))
}

// test is the scenario as promtool reads it.
func (s scenario) test(rules string, rule Rule) map[string]any {
	var series []map[string]string
	for line := range strings.Lines(s.load) {
		line = strings.TrimSpace(line)
		end := strings.Index(line, "}") + 1
		series = append(series, map[string]string{"series": line[:end], "values": strings.TrimSpace(line[end:])})
	}
	alerts := []map[string]any{}
	for _, labels := range s.fires {
		pairs := []string{}
		for name, value := range labels {
			pairs = append(pairs, "{{ $labels."+name+" }}", value)
		}
		for _, format := range []string{"humanize", "humanizeDuration"} {
			pairs = append(pairs, "{{ $value | "+format+" }}", s.value)
		}
		says := map[string]string{}
		for name, text := range rule.Annotations {
			says[name] = strings.NewReplacer(pairs...).Replace(text)
		}
		all := map[string]string{}
		for _, set := range []map[string]string{rule.Labels, labels} {
			for name, value := range set {
				all[name] = value
			}
		}
		alerts = append(alerts, map[string]any{"exp_labels": all, "exp_annotations": says})
	}
	return map[string]any{"rule_files": []string{rules}, "evaluation_interval": "30s", "tests": []any{map[string]any{
		"interval": "1m", "input_series": series,
		"alert_rule_test": []any{map[string]any{"eval_time": s.at.String(), "alertname": rule.Alert, "exp_alerts": alerts}},
		// What is not a number is the one value that differs from itself.
		"promql_expr_test": []any{map[string]any{"eval_time": s.at.String(), "expr": "(" + rule.Expr + ") != (" + rule.Expr + ")", "exp_samples": []any{}}},
	}}}
}

func write(t *testing.T, name string, what any) string {
	t.Helper()
	data, err := yaml.Marshal(what)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func promtool(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
