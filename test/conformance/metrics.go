package conformance

import (
	"bytes"
	"os"
	"regexp"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"

	"github.com/comptech-lab/quay-push/test/stage"
)

// metrics is C103.
func metrics(t *T, c *Cluster) {
	pr := c.end(c.create("C91"))
	c.wantOutcome(pr.Status.Conditions, corev1.ConditionTrue, "Succeeded")
	page, err := os.ReadFile("../../docs/operations.md")
	c.must(err)
	replicas := c.replicas()
	sums := map[string]float64{}
	for _, replica := range replicas {
		data, err := c.Kube.CoreV1().Pods(system).ProxyGet("http", replica.Name, "9090", "/metrics", nil).DoRaw(c.ctx)
		c.must(err)
		for _, token := range c.Quay.Tokens() {
			if bytes.Contains(data, []byte(token)) {
				t.Errorf("a robot's token is in the metrics of %s", replica.Name)
			}
		}
		c.must(sum(sums, data))
	}
	served := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(string(page), -1)
	for _, match := range append(served, []string{"", "kn_workqueue_process_duration_seconds"}) {
		if sums[match[1]] == 0 {
			t.Errorf("no replica serves %s", match[1])
		}
	}
	for key, want := range map[string]float64{"quay_push_leading PushImage": 1, "quay_push_leading ResolveTenant": 1,
		"quay_push_policy_enforced " + stage.SharedNamespace: float64(len(replicas))} {
		if sums[key] != want {
			t.Errorf("%s is %v in all replicas, want %v", key, sums[key], want)
		}
	}
	if sums["quay_push_push_duration_seconds payments"] < 1 {
		t.Error("the push of payments was not counted")
	}
}

// sum adds up what a replica serves: by metric how many series there are, and by metric and kind, namespace or team their values.
func sum(sums map[string]float64, page []byte) error {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	for name, family := range families {
		for _, series := range family.GetMetric() {
			key := name
			for _, l := range series.GetLabel() {
				if l.GetName() == "kind" || l.GetName() == "shared_namespace" || l.GetName() == "team" {
					key += " " + l.GetValue()
				}
			}
			sums[name]++
			sums[key] += series.GetGauge().GetValue() + series.GetCounter().GetValue() + float64(series.GetHistogram().GetSampleCount())
		}
	}
	return err
}
