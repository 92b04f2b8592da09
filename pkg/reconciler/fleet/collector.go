// Package fleet serves what the last runs of verify and rotate over all teams found as metrics, beside the controller's own: from
// two ConfigMaps that those runs write. It asks neither Quay nor Vault, and has no right to.
package fleet

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/comptech-lab/quay-push/pkg/fleet"
)

// The metrics. Prometheus' own client makes them: that of OpenTelemetry has no more than 2,000 series of one name, and says nothing.
var (
	lastSuccess = metric("last_success_timestamp_seconds", "When the last good run of verify or rotate over all teams ended; 0 where none has", "run")
	tokenAge    = metric("token_age_seconds", "How long ago the team's token was written to Vault, by the last run of verify", "team")
	tokenMaxAge = metric("token_max_age_seconds", "Age from which rotate replaces a token, by its last run")
	oauthAge    = metric("oauth_token_age_seconds", "How long ago Quay's OAuth token was written to Vault, by the last run of verify")
	finding     = metric("finding", "1 where a check of the last run of verify did not pass: failed or skipped; for the first 100 teams of each check", "team", "check", "status")
	checks      = metric("checks", "Teams by how a check of the last run of verify went", "check", "status")
	verified    = metric("verified_teams", "Teams that the last run of verify asked about, and whether all is right with them", "right")
	rotated     = metric("rotated_teams", "Teams by what the last run of rotate did with them", "outcome")
)

func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("quay_push_fleet_"+name, help, labels, nil)
}

// Collector tells what the records say. It is safe for concurrent use.
type Collector struct {
	clock clock.PassiveClock

	mu           sync.Mutex
	verification *fleet.Verification
	rotation     *fleet.Rotation
}

// NewCollector returns one without records, which tells nothing: config/fleet/ is not applied.
func NewCollector(now clock.PassiveClock) *Collector { return &Collector{clock: now} }

// SetVerification has the record told from now on; nil for none.
func (c *Collector) SetVerification(v *fleet.Verification) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.verification = v
}

// SetRotation has the record told from now on; nil for none.
func (c *Collector) SetRotation(r *fleet.Rotation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rotation = r
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lastSuccess, tokenAge, tokenMaxAge, oauthAge, finding, checks, verified, rotated} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	v, r := c.verification, c.rotation
	c.mu.Unlock()
	tell := func(d *prometheus.Desc, value float64, labels ...string) {
		// One that cannot be would hide every other metric of the program.
		if m, err := prometheus.NewConstMetric(d, prometheus.GaugeValue, value, labels...); err == nil {
			to <- m
		}
	}
	if v != nil {
		tell(lastSuccess, stamp(v.Ended), "verify")
		c.tellVerification(v, tell)
	}
	if r != nil {
		tell(lastSuccess, stamp(r.Good), "rotate")
		if r.MaxAgeSeconds > 0 {
			tell(tokenMaxAge, r.MaxAgeSeconds)
		}
		for outcome, teams := range r.Outcomes {
			tell(rotated, float64(teams), outcome)
		}
	}
}

func (c *Collector) tellVerification(v *fleet.Verification, tell func(d *prometheus.Desc, value float64, labels ...string)) {
	if v.Ended.IsZero() {
		return
	}
	tell(verified, float64(v.Right), "true")
	tell(verified, float64(v.Teams-v.Right), "false")
	for team, written := range v.Written {
		tell(tokenAge, c.clock.Since(written).Seconds(), team)
	}
	if !v.OAuthWritten.IsZero() {
		tell(oauthAge, c.clock.Since(v.OAuthWritten).Seconds())
	}
	for check, byStatus := range v.Checks {
		for status, teams := range byStatus {
			tell(checks, float64(teams), check, status)
		}
	}
	for check, byTeam := range v.Findings {
		for team, status := range byTeam {
			tell(finding, 1, team, check, status)
		}
	}
}

// stamp is a time as Prometheus has it; 0 for never.
func stamp(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}
