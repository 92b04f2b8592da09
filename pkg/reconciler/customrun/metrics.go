package customrun

import (
	"context"

	"go.opentelemetry.io/otel"

	"github.com/comptech-lab/quay-push/pkg/reconciler/telemetry"
)

// Metrics returns the instruments of the provider that Knative set up from ConfigMap config-observability.
func Metrics(ctx context.Context) *telemetry.Metrics {
	m, err := telemetry.New(otel.GetMeterProvider())
	Must(ctx, err)
	return m
}
