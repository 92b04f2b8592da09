// Package fleet is what the last runs of verify and rotate over all teams left for the metrics: small, bounded, and with nothing
// secret in it. What writes it has the platform's tokens and ends; what serves it has none.
package fleet

import "time"

// teamsPerCheck is how many teams a finding is told of by name. What more than that have is the platform's, and counted.
const teamsPerCheck = 100

// Passed is the status of a check that found nothing.
const Passed = "passed"

// Verification is what a run of verify over all teams found.
type Verification struct {
	// Ended is when it was done; zero where no run has been.
	Ended time.Time `json:"ended,omitzero"`
	// Teams were asked about, and Right are those of which every check passed.
	Teams int `json:"teams"`
	Right int `json:"right"`
	// Written is by team when its token was written to Vault; a team of which Vault has none is left out.
	Written map[string]time.Time `json:"written,omitempty"`
	// Checks is by check and status how many teams have it.
	Checks map[string]map[string]int `json:"checks,omitempty"`
	// Findings is by check and team how a check went that did not pass, for the first 100 teams of each check.
	Findings map[string]map[string]string `json:"findings,omitempty"`
	// OAuthWritten is when Quay's OAuth token was written to Vault; zero where Vault does not say.
	OAuthWritten time.Time `json:"oauthWritten,omitzero"`
}

// NewVerification returns one that has no team yet.
func NewVerification(ended time.Time) *Verification {
	return &Verification{Ended: ended.UTC().Truncate(time.Second), Written: map[string]time.Time{}, Checks: map[string]map[string]int{},
		Findings: map[string]map[string]string{}}
}

// Add adds a team: when its token was written, zero where that is not known, and by check how it went.
func (v *Verification) Add(team string, written time.Time, checks map[string]string) {
	v.Teams++
	if old, known := v.Written[team]; !written.IsZero() && (!known || written.Before(old)) {
		v.Written[team] = written.UTC().Truncate(time.Second)
	}
	right := true
	for check, status := range checks {
		put(v.Checks, check, status, v.Checks[check][status]+1)
		if status == Passed {
			continue
		}
		right = false
		if len(v.Findings[check]) < teamsPerCheck {
			put(v.Findings, check, team, status)
		}
	}
	if right {
		v.Right++
	}
}

// put sets what is at two keys.
func put[T any](all map[string]map[string]T, first, second string, value T) {
	if all[first] == nil {
		all[first] = map[string]T{}
	}
	all[first][second] = value
}
