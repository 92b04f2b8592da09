package main

import (
	"testing"

	"knative.dev/pkg/observability/resource"
	_ "knative.dev/pkg/system/testing" // Names the system namespace.
)

// Knative panics at start when OpenTelemetry's SDK is of another semantic-conventions schema than its own: with otel v1.45.0
// every program crashed. The pin in go.mod is what this test is for.
func TestTelemetrySchemasAgree(t *testing.T) {
	if resource.Default("quay-push") == nil {
		t.Error("no resource")
	}
}
