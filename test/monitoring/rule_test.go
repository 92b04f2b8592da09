package monitoring

import (
	"math"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

// scenario is what Prometheus has read, one value a minute, and how the alert stands at a time: which labels fire, and what the
// summary says.
type scenario struct {
	name, load string
	at         time.Duration
	fires      []string
	says       string
}

// scenarios by alert: each fires in one, and is silent in another that comes close.
var scenarios = map[string][]scenario{
	"QuayPushDown": {
		{"nothing is read", `up{job="another"} 1x10`, 3 * time.Minute, []string{`{}`}, "No replica"},
		{"both are down", `up{job="quay-push", pod="a"} 0x10
			up{job="quay-push", pod="b"} 0x10`, 3 * time.Minute, []string{`{}`}, "No replica"},
		{"one is up", `up{job="quay-push", pod="a"} 1x10
			up{job="quay-push", pod="b"} 0x10`, 10 * time.Minute, nil, ""},
		{"a restart", `up{job="quay-push", pod="a"} 1 0 1x10`, 5 * time.Minute, nil, ""},
	},
	"QuayPushNoStandby": {
		{"one is left", `up{job="quay-push", pod="a"} 1x30
			up{job="quay-push", pod="b"} 0x30`, 16 * time.Minute, []string{`{}`}, "One replica"},
		{"a rollout", `up{job="quay-push", pod="a"} 1x30
			up{job="quay-push", pod="b"} 0x10 1x20`, 9 * time.Minute, nil, ""},
	},
	"QuayPushNoLeader": {
		{"nobody leads one kind", `quay_push_leading{kind="PushImage", pod="a"} 0x10
			quay_push_leading{kind="PushImage", pod="b"} 0x10
			quay_push_leading{kind="ResolveTenant", pod="a"} 1x10`, 3 * time.Minute, []string{`{kind="PushImage"}`}, "leads for PushImage"},
		{"the lease goes over", `quay_push_leading{kind="PushImage", pod="a"} 1 0x10
			quay_push_leading{kind="PushImage", pod="b"} 0 0 1x10`, 5 * time.Minute, nil, ""},
	},
	"QuayPushUnanswered": {
		{"a run waits", `quay_push_unanswered_age_seconds{kind="PushImage", pod="a"} 0+60x10
			quay_push_unanswered_age_seconds{kind="PushImage", pod="b"} 0x10`, 3 * time.Minute, []string{`{kind="PushImage"}`}, "waited 3m 0s"},
		{"runs come and go", `quay_push_unanswered_age_seconds{kind="PushImage"} 20x10`, 10 * time.Minute, nil, ""},
	},
	"QuayPushPolicyMissing": {
		{"one of two namespaces", `quay_push_policy_enforced{shared_namespace="ci"} 0x10
			quay_push_policy_enforced{shared_namespace="openshift-pipelines"} 1x10`, 2 * time.Minute, []string{`{shared_namespace="ci"}`}, "namespace ci"},
		{"enforced", `quay_push_policy_enforced{shared_namespace="ci"} 1x10`, 10 * time.Minute, nil, ""},
	},
	"QuayPushDenials": {
		{"somebody tries names", `quay_push_decisions_total{rule="namespace-label", reason="TenantConflict"} 0+5x20`, 10 * time.Minute,
			[]string{`{reason="TenantConflict", rule="namespace-label"}`}, "refused with TenantConflict"},
		{"a few", `quay_push_decisions_total{rule="namespace-label", reason="TenantConflict"} 0+1x20`, 15 * time.Minute, nil, ""},
		{"many are allowed", `quay_push_decisions_total{rule="namespace-label", reason="Allowed"} 0+500x20`, 15 * time.Minute, nil, ""},
	},
	"QuayPushSecretUnfit": {
		{"missing", `quay_push_secret_checks_total{team="payments", reason="SecretMissing"} 1 1 2 2 2 2 2`, 6 * time.Minute,
			[]string{`{reason="SecretMissing", team="payments"}`}, "Team payments cannot push: SecretMissing"},
		{"long ago", `quay_push_secret_checks_total{team="payments", reason="SecretMissing"} 1 2x60`, 50 * time.Minute, nil, ""},
		{"valid", `quay_push_secret_checks_total{team="payments", reason="Valid"} 0+1x60`, 30 * time.Minute, nil, ""},
	},
	"QuayPushFailing": {
		{"one team's fail", `quay_push_push_duration_seconds_count{team="payments", reason="StepFailed"} 0+1x40
			quay_push_push_duration_seconds_count{team="platform", reason="Succeeded"} 0+1x40`, 40 * time.Minute, []string{`{team="payments"}`}, "payments"},
		{"a third fails", `quay_push_push_duration_seconds_count{team="payments", reason="StepFailed"} 0+1x40
			quay_push_push_duration_seconds_count{team="payments", reason="Succeeded"} 0+2x40`, 40 * time.Minute, nil, ""},
		{"one failed", `quay_push_push_duration_seconds_count{team="payments", reason="StepFailed"} 0x20 1x20`, 40 * time.Minute, nil, ""},
		{"cancelled", `quay_push_push_duration_seconds_count{team="payments", reason="CustomRunCancelled"} 0+1x40`, 40 * time.Minute, nil, ""},
	},
}

func TestAlerts(t *testing.T) {
	all, err := ReadRules(Manifests + "prometheus-rule.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(scenarios) {
		t.Errorf("%d alerts, scenarios for %d", len(all), len(scenarios))
	}
	for _, rule := range all {
		silent, loud := false, false
		for _, s := range scenarios[rule.Alert] {
			silent, loud = silent || len(s.fires) == 0, loud || len(s.fires) > 0
			t.Run(rule.Alert+"/"+s.name, func(t *testing.T) { play(t, rule, s) })
		}
		if !silent || !loud {
			t.Errorf("%s is not shown both firing and silent", rule.Alert)
		}
	}
}

func play(t *testing.T, rule rulefmt.Rule, s scenario) {
	storage := promqltest.LoadedStorage(t, "load 1m\n\t"+s.load)
	query := rules.EngineQueryFunc(promqltest.NewTestEngine(t, false, 0, 10_000), storage)
	start := time.Unix(0, 0).UTC()
	alerts, err := Evaluate(t.Context(), rule, query, start, start.Add(s.at))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range alerts {
		got = append(got, a.Labels.MatchLabels(false, "alertname", "severity").String())
		if summary := a.Annotations.Get("summary"); !strings.Contains(summary, s.says) || strings.Contains(a.Annotations.String(), "error expanding") {
			t.Errorf("%s does not say %q", a.Annotations, s.says)
		}
		if math.IsNaN(a.Value) {
			t.Error("the value is not a number")
		}
	}
	if strings.Join(got, " ") != strings.Join(s.fires, " ") {
		t.Errorf("fires %v, want %v", got, s.fires)
	}
}

// What fires at night is found in the docs, with what to do.
func TestAlertsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	all, err := ReadRules(Manifests + "prometheus-rule.yaml")
	if err != nil {
		t.Fatal(err)
	}
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
	parsed, err := NewParser().ParseExpr(expr)
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok && v.Name != "up" {
			name := v.Name
			for _, suffix := range []string{"_bucket", "_count", "_sum"} {
				name = strings.TrimSuffix(name, suffix)
			}
			if !names[name] {
				t.Errorf("%s reads %s, which docs/operations.md does not list", where, v.Name)
			}
		}
		return nil
	})
}
