package replica

import (
	"bytes"
	"context"
	"fmt"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Metrics are what a replica exports, by the name of the metric.
type Metrics map[string]*dto.MetricFamily

// Metrics asks the replica.
func (r *Replica) Metrics(ctx context.Context) (Metrics, error) {
	content, err := r.get(ctx, 9091, "/metrics")
	if err != nil {
		return nil, fmt.Errorf("asking a replica for its metrics: %w", err)
	}
	return parse(content)
}

func parse(content []byte) (Metrics, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("reading metrics: %w", err)
	}
	return families, nil
}

// Reconciles is how often a key was taken from a work queue, over all queues.
func (m Metrics) Reconciles() (n int) {
	for _, one := range m["kn_workqueue_process_duration_seconds"].GetMetric() {
		n += int(one.GetHistogram().GetSampleCount())
	}
	return n
}

// Leads reports whether the replica leads the kind.
func (m Metrics) Leads(kind string) bool {
	for _, one := range m["quay_push_leading"].GetMetric() {
		for _, label := range one.GetLabel() {
			if label.GetName() == "kind" && label.GetValue() == kind {
				return one.GetGauge().GetValue() > 0
			}
		}
	}
	return false
}
