package fleet

import "time"

// Rotation is what the last run of rotate over all teams did.
type Rotation struct {
	// Ended is when the last run was done, and Good when the last one was that came to every team; zero where none has been.
	Ended time.Time `json:"ended,omitzero"`
	Good  time.Time `json:"good,omitzero"`
	// MaxAgeSeconds is the age from which it replaces a token.
	MaxAgeSeconds float64 `json:"maxAgeSeconds,omitempty"`
	// Outcomes is how many teams each outcome has.
	Outcomes map[string]int `json:"outcomes,omitempty"`
}

// After returns the record of a run that came after the one of r. A run that is not good leaves the time of the last good one.
func (r Rotation) After(ended time.Time, good bool, maxAge time.Duration, outcomes map[string]int) Rotation {
	next := Rotation{Ended: ended.UTC().Truncate(time.Second), Good: r.Good, MaxAgeSeconds: maxAge.Seconds(), Outcomes: outcomes}
	if good {
		next.Good = next.Ended
	}
	return next
}
