package fleet

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/comptech-lab/quay-push/pkg/fleet"
	"github.com/comptech-lab/quay-push/test/docs"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// series returns what Prometheus reads of a collector: `name label=value` by its value.
func series(t *testing.T, c prometheus.Collector) map[string]string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "quay_push_fleet_")
			for _, l := range m.GetLabel() {
				name += " " + l.GetName() + "=" + l.GetValue()
			}
			all[name] = fmt.Sprintf("%.0f", m.GetGauge().GetValue())
		}
	}
	return all
}

// everything is a collector that has something of each metric, at noon.
func everything() (*Collector, *clocktesting.FakePassiveClock) {
	now := clocktesting.NewFakePassiveClock(noon)
	c := NewCollector(now)
	v := fleet.NewVerification(noon.Add(-time.Minute))
	v.Add("payments", noon.Add(-48*time.Hour), map[string]string{"vault-token": "passed", "push-right": "passed"})
	v.Add("platform", noon.Add(-time.Hour), map[string]string{"vault-token": "failed", "push-right": "skipped"})
	v.Add("retail", time.Time{}, map[string]string{"vault-token": "skipped"})
	v.OAuthWritten = noon.Add(-time.Hour)
	c.SetVerification(v)
	r := fleet.Rotation{}.After(noon.Add(-2*time.Hour), true, 720*time.Hour, nil, fleet.Left{}).After(noon.Add(-time.Hour), false, 720*time.Hour, map[string]int{"rotated": 2, "failed": 1}, fleet.Left{})
	c.SetRotation(&r)
	return c, now
}

func TestCollect(t *testing.T) {
	c, now := everything()
	want := map[string]string{
		"last_success_timestamp_seconds run=verify":             fmt.Sprint(noon.Unix() - 60),
		"last_success_timestamp_seconds run=rotate":             fmt.Sprint(noon.Unix() - 7200),
		"token_age_seconds team=payments":                       "172800",
		"token_age_seconds team=platform":                       "3600",
		"token_max_age_seconds":                                 "2592000",
		"oauth_token_age_seconds":                               "3600",
		"finding check=vault-token status=failed team=platform": "1",
		"finding check=push-right status=skipped team=platform": "1",
		"finding check=vault-token status=skipped team=retail":  "1",
		"checks check=vault-token status=passed":                "1",
		"checks check=vault-token status=failed":                "1",
		"checks check=vault-token status=skipped":               "1",
		"checks check=push-right status=passed":                 "1",
		"checks check=push-right status=skipped":                "1",
		"verified_teams right=true":                             "1",
		"verified_teams right=false":                            "2",
		"rotated_teams outcome=rotated":                         "2",
		"rotated_teams outcome=failed":                          "1",
	}
	if diff := cmp.Diff(want, series(t, c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// A token gets older though nobody looks.
	now.SetTime(noon.Add(time.Hour))
	if got := series(t, c)["token_age_seconds team=platform"]; got != "7200" {
		t.Errorf("an hour later it is %s s old", got)
	}
}

// Before the first run the metrics say that none was, so that an alert can tell; without config/fleet/ there is nothing to tell.
func TestCollectBeforeTheFirstRun(t *testing.T) {
	c := NewCollector(clocktesting.NewFakePassiveClock(noon))
	if got := series(t, c); len(got) > 0 {
		t.Errorf("without records: %v", got)
	}
	c.SetVerification(&fleet.Verification{})
	c.SetRotation(&fleet.Rotation{})
	want := map[string]string{"last_success_timestamp_seconds run=verify": "0", "last_success_timestamp_seconds run=rotate": "0"}
	if diff := cmp.Diff(want, series(t, c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Of 2,500 teams none is left out: OpenTelemetry's own limit is 2,000. And where all fail everything, few series are made of it.
func TestManyTeams(t *testing.T) {
	c := NewCollector(clocktesting.NewFakePassiveClock(noon))
	v := fleet.NewVerification(noon)
	for i := range 2500 {
		results := map[string]string{}
		for n := range 20 {
			results[fmt.Sprint("check-", n)] = "failed"
		}
		v.Add(fmt.Sprint("t", i), noon.Add(-time.Hour), results)
	}
	c.SetVerification(v)
	counts := map[string]int{}
	for name := range series(t, c) {
		counts[strings.Fields(name)[0]]++
	}
	want := map[string]int{"token_age_seconds": 2500, "finding": 2000, "checks": 20, "verified_teams": 2, "last_success_timestamp_seconds": 1}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}

// The table names every metric, with its type and labels, and no other.
func TestDocsNameEveryMetric(t *testing.T) {
	documented, err := docs.Metrics("../../../docs/fleet.md")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	c, _ := everything()
	for name := range series(t, c) {
		parts, labels := strings.Fields(name), []string{}
		for _, l := range parts[1:] {
			label, _, _ := strings.Cut(l, "=")
			labels = append(labels, label)
		}
		got["quay_push_fleet_"+parts[0]] = "gauge " + strings.Join(labels, ", ")
	}
	if diff := cmp.Diff(got, documented); diff != "" {
		t.Errorf("(-code +docs):\n%s", diff)
	}
	if len(slices.Collect(maps.Keys(got))) != 8 {
		t.Errorf("%d metrics", len(got))
	}
}
