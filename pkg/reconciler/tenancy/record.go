package tenancy

import (
	"context"
	"errors"

	"github.com/comptech-lab/quay-push/pkg/reconciler/telemetry"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// RecordDecision counts what Resolve returned. What is tried again without a decision, since Tekton or the API server is not
// there yet, is not counted.
func RecordDecision(ctx context.Context, m *telemetry.Metrics, d tenant.Decision, err error) {
	var refusal *tenant.Refusal
	switch {
	case errors.As(err, &refusal):
		m.Decided(ctx, refusal.Rule, refusal.Reason)
	case d.Team != "":
		m.Decided(ctx, d.Rule, telemetry.Allowed)
	}
}

// RecordCheck counts what a look at what the tenant pushes with ended in. An error of the API server says nothing of the Secret, and is not counted.
func RecordCheck(ctx context.Context, m *telemetry.Metrics, d tenant.Decision, err error) {
	var secret *SecretError
	switch {
	case errors.As(err, &secret):
		m.SecretChecked(ctx, d.Team, secret.Reason)
	case err == nil:
		m.SecretChecked(ctx, d.Team, telemetry.Valid)
	}
}
