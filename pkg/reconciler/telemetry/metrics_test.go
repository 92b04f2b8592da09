package telemetry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/otlptranslator"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/comptech-lab/quay-push/pkg/tenant"
	"github.com/comptech-lab/quay-push/test/docs"
)

// newRegistry returns instruments, and what Prometheus reads of them: names are made as Knative's server makes them.
func newRegistry(t *testing.T) (*Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	reader, err := otelprom.New(otelprom.WithRegisterer(registry), otelprom.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithSuffixes))
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	if err != nil {
		t.Fatal(err)
	}
	return m, registry
}

// gather returns the families of ours by name.
func gather(t *testing.T, registry *prometheus.Registry) map[string]*dto.MetricFamily {
	t.Helper()
	all, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	families := map[string]*dto.MetricFamily{}
	for _, f := range all {
		if strings.HasPrefix(f.GetName(), "quay_push_") {
			families[f.GetName()] = f
		}
	}
	return families
}

// labels returns the labels of a series but for the meter's own.
func labels(series *dto.Metric) map[string]string {
	all := map[string]string{}
	for _, l := range series.GetLabel() {
		if !strings.HasPrefix(l.GetName(), "otel_scope_") {
			all[l.GetName()] = l.GetValue()
		}
	}
	return all
}

type cluster struct {
	enforced map[string]bool
	ages     map[string]time.Duration
	err      error
}

func (c cluster) PolicyEnforced(context.Context) (map[string]bool, error)         { return c.enforced, c.err }
func (c cluster) UnansweredAge(context.Context) (map[string]time.Duration, error) { return c.ages, nil }

// everything records each metric once.
func everything(t *testing.T, m *Metrics) {
	t.Helper()
	ctx := t.Context()
	m.Decided(ctx, tenant.RuleNamespace, Allowed)
	m.SecretChecked(ctx, "payments", Valid)
	m.Pushed(ctx, "payments", "Succeeded", 3*time.Second)
	m.Sent(ctx, "payments", 1000)
	m.ChildEvent(true)
	m.ChildEvent(false)
	m.Leads("PushImage", 1)
	if err := m.Observe(cluster{enforced: map[string]bool{"a": true, "b": false}, ages: map[string]time.Duration{"PushImage": 2 * time.Minute}}); err != nil {
		t.Fatal(err)
	}
}

func TestSeries(t *testing.T) {
	m, registry := newRegistry(t)
	everything(t, m)
	m.Pushed(t.Context(), "payments", "Succeeded", time.Second)
	m.Leads("PushImage", -1)
	got := map[string][]string{}
	for name, f := range gather(t, registry) {
		for _, series := range f.GetMetric() {
			text := ""
			for _, key := range slices.Sorted(maps.Keys(labels(series))) {
				text += key + "=" + labels(series)[key] + " "
			}
			value := fmt.Sprint(series.GetCounter().GetValue() + series.GetGauge().GetValue())
			if h := series.GetHistogram(); h != nil {
				value = fmt.Sprintf("%d with sum %v", h.GetSampleCount(), h.GetSampleSum())
			}
			got[name] = append(got[name], text+value)
		}
	}
	want := map[string][]string{
		"quay_push_decisions_total":        {"reason=Allowed rule=namespace-label 1"},
		"quay_push_secret_checks_total":    {"reason=Valid team=payments 1"},
		"quay_push_push_duration_seconds":  {"reason=Succeeded team=payments 2 with sum 4"},
		"quay_push_child_events_total":     {"outcome=filtered 1", "outcome=passed 1"},
		"quay_push_pushed_bytes_total":     {"team=payments 1000"},
		"quay_push_leading":                {"kind=PushImage 0"},
		"quay_push_policy_enforced":        {"shared_namespace=a 1", "shared_namespace=b 0"},
		"quay_push_unanswered_age_seconds": {"kind=PushImage 120"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What could not be looked at is not shown as good, and does not hide the rest.
func TestUnknownIsLeftOut(t *testing.T) {
	m, registry := newRegistry(t)
	if err := m.Observe(cluster{err: errors.New("the cache is gone"), ages: map[string]time.Duration{"PushImage": 0}}); err != nil {
		t.Fatal(err)
	}
	families := gather(t, registry)
	if families["quay_push_policy_enforced"] != nil || families["quay_push_unanswered_age_seconds"] == nil {
		t.Errorf("families %v", slices.Collect(maps.Keys(families)))
	}
}

// Two that are made of one provider count together: each reconciler makes its own.
func TestOneProviderCountsTogether(t *testing.T) {
	registry := prometheus.NewRegistry()
	reader, err := otelprom.New(otelprom.WithRegisterer(registry))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	for range 2 {
		m, err := New(provider)
		if err != nil {
			t.Fatal(err)
		}
		m.Decided(t.Context(), tenant.RuleNamespace, Allowed)
	}
	f := gather(t, registry)["quay_push_decisions_total"]
	if f == nil || len(f.GetMetric()) != 1 || f.GetMetric()[0].GetCounter().GetValue() != 2 {
		t.Errorf("%v", f)
	}
}

// The table names every metric, with its type and labels, and no other.
func TestDocsNameEveryMetric(t *testing.T) {
	documented, err := docs.Metrics("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	m, registry := newRegistry(t)
	everything(t, m)
	got := map[string]string{}
	for name, f := range gather(t, registry) {
		got[name] = strings.ToLower(f.GetType().String()) + " " + strings.Join(slices.Sorted(maps.Keys(labels(f.GetMetric()[0]))), ", ")
	}
	if diff := cmp.Diff(got, documented); diff != "" {
		t.Errorf("(-code +docs):\n%s", diff)
	}
}
