package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Cluster is what is looked at whenever the metrics are read. Both may be called at any time and must be quick; an error
// leaves the metric out, so that what is not known is not reported as good.
type Cluster interface {
	// PolicyEnforced says for each shared namespace whether its guards deny there.
	PolicyEnforced(ctx context.Context) (map[string]bool, error)
	// UnansweredAge returns for each kind the age of the oldest CustomRun without a condition, or 0.
	UnansweredAge(ctx context.Context) (map[string]time.Duration, error)
}

// Observe has cluster looked at from now on.
func (m *Metrics) Observe(cluster Cluster) error {
	_, err := m.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		enforced, policyErr := cluster.PolicyEnforced(ctx)
		for namespace, deny := range enforced {
			value := int64(0)
			if deny {
				value = 1
			}
			o.ObserveInt64(m.policy, value, metric.WithAttributes(attribute.String(labelNamespace, namespace)))
		}
		ages, runErr := cluster.UnansweredAge(ctx)
		for kind, age := range ages {
			o.ObserveFloat64(m.unanswered, age.Seconds(), metric.WithAttributes(attribute.String(labelKind, kind)))
		}
		return errors.Join(policyErr, runErr)
	}, m.policy, m.unanswered)
	return err
}
