// Package telemetry holds the controller's own metrics, beside those that Knative brings: every name, unit and label is here.
// Labels are bounded: rules and reasons are ours or Tekton's, teams are those that were decided, never what a run claims.
package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// Scope is the name of the meter.
const Scope = "github.com/comptech-lab/quay-push"

// Allowed and Valid are the reason of a decision that names a team, and of a Secret that it can push with. Any other reason is
// one that the condition Succeeded=False carries.
const (
	Allowed = "Allowed"
	Valid   = "Valid"
)

// Labels, as Prometheus shows them. Prometheus itself sets namespace, which would hide one of ours.
const (
	labelKind      = "kind"
	labelNamespace = "shared_namespace"
	labelOutcome   = "outcome"
	labelReason    = "reason"
	labelRule      = "rule"
	labelTeam      = "team"
)

// Metrics are the instruments. They are safe for concurrent use, and none of them fails.
type Metrics struct {
	meter        metric.Meter
	decisions    metric.Int64Counter
	secretChecks metric.Int64Counter
	pushes       metric.Float64Histogram
	pushedBytes  metric.Int64Counter
	childEvents  metric.Int64Counter
	leading      metric.Int64UpDownCounter
	policy       metric.Int64ObservableGauge
	unanswered   metric.Float64ObservableGauge
}

// New returns the instruments of provider. Two that are made of one provider count together.
func New(provider metric.MeterProvider) (*Metrics, error) {
	m := &Metrics{meter: provider.Meter(Scope)}
	var errs [8]error
	m.decisions, errs[0] = m.meter.Int64Counter("quay_push.decisions", metric.WithUnit("{decision}"),
		metric.WithDescription("Tenant decisions, by the rule that fired and the reason: Allowed, or why it was refused"))
	m.secretChecks, errs[1] = m.meter.Int64Counter("quay_push.secret_checks", metric.WithUnit("{check}"),
		metric.WithDescription("Checks of a tenant's Secret before its push, by reason: Valid, or what is wrong with it"))
	m.pushes, errs[2] = m.meter.Float64Histogram("quay_push.push.duration", metric.WithUnit("s"),
		// From an image that is there already to the default timeout of a TaskRun, an hour.
		metric.WithExplicitBucketBoundaries(1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600),
		metric.WithDescription("Time from a PushImage's start to its end, Pod and retries included, by reason: Succeeded, or why it failed"))
	m.childEvents, errs[3] = m.meter.Int64Counter("quay_push.child_events", metric.WithUnit("{event}"),
		metric.WithDescription("Events of child TaskRuns, by outcome: passed on to a reconcile, or filtered since they change nothing"))
	m.leading, errs[4] = m.meter.Int64UpDownCounter("quay_push.leading", metric.WithUnit("{bucket}"),
		metric.WithDescription("Leader election buckets of the kind that this replica leads"))
	m.policy, errs[5] = m.meter.Int64ObservableGauge("quay_push.policy_enforced",
		metric.WithDescription("Whether every policy that guards the team label denies in the shared namespace: 1 or 0"))
	m.unanswered, errs[6] = m.meter.Float64ObservableGauge("quay_push.unanswered.age", metric.WithUnit("s"),
		metric.WithDescription("Age of the oldest CustomRun of the kind that has no condition yet; 0 when there is none"))
	m.pushedBytes, errs[7] = m.meter.Int64Counter("quay_push.pushed", metric.WithUnit("By"),
		metric.WithDescription("Bytes that pushes which succeeded sent: the blobs that the registry lacked"))
	return m, errors.Join(errs[:]...)
}

// Decided counts one tenant decision: reason is Allowed, or the refusal's.
func (m *Metrics) Decided(ctx context.Context, rule tenant.Rule, reason string) {
	m.decisions.Add(ctx, 1, metric.WithAttributes(attribute.String(labelRule, string(rule)), attribute.String(labelReason, reason)))
}

// SecretChecked counts one look at a team's Secret: reason is Valid, or what is wrong.
func (m *Metrics) SecretChecked(ctx context.Context, team, reason string) {
	m.secretChecks.Add(ctx, 1, metric.WithAttributes(attribute.String(labelTeam, team), attribute.String(labelReason, reason)))
}

// Pushed counts one push of a team that has ended for reason after took.
func (m *Metrics) Pushed(ctx context.Context, team, reason string, took time.Duration) {
	m.pushes.Record(ctx, took.Seconds(), metric.WithAttributes(attribute.String(labelTeam, team), attribute.String(labelReason, reason)))
}

// Sent counts the bytes that one push of a team sent.
func (m *Metrics) Sent(ctx context.Context, team string, bytes int64) {
	m.pushedBytes.Add(ctx, bytes, metric.WithAttributes(attribute.String(labelTeam, team)))
}

// ChildEvent counts one event of a child TaskRun, and whether it led to a reconcile.
func (m *Metrics) ChildEvent(passed bool) {
	outcome := "filtered"
	if passed {
		outcome = "passed"
	}
	m.childEvents.Add(context.Background(), 1, metric.WithAttributes(attribute.String(labelOutcome, outcome)))
}

// Leads counts the buckets that the replica leads for kind up or down.
func (m *Metrics) Leads(kind string, buckets int64) {
	m.leading.Add(context.Background(), buckets, metric.WithAttributes(attribute.String(labelKind, kind)))
}
