package fleet

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Rotation is what the last run of rotate over all teams did.
type Rotation struct {
	// Ended is when the last run was done, and Good when the last one was that came to every team; zero where none has been.
	Ended time.Time `json:"ended,omitzero"`
	Good  time.Time `json:"good,omitzero"`
	// MaxAgeSeconds is the age from which it replaces a token.
	MaxAgeSeconds float64 `json:"maxAgeSeconds,omitempty"`
	// Outcomes is how many teams each outcome has.
	Outcomes map[string]int `json:"outcomes,omitempty"`
	// Tried is by team when it was worked on last and not rotated, of 1,000 teams at most; who was rotated since is left out.
	Tried map[string]time.Time `json:"tried,omitempty"`
}

// mostTried is how many teams a record tells of that were tried.
const mostTried = 1000

// Left are teams of a run: those that it tried and did not rotate, and those that it did not come to.
type Left struct{ Tried, NotBegun []string }

// After returns the record of a run that came after the one of r. A run that is not good leaves the time of the last good one, and of a
// team that it did not come to when that was tried before.
func (r Rotation) After(ended time.Time, good bool, maxAge time.Duration, outcomes map[string]int, left Left) Rotation {
	next := Rotation{Ended: ended.UTC().Truncate(time.Second), Good: r.Good, MaxAgeSeconds: maxAge.Seconds(), Outcomes: outcomes}
	tried := map[string]time.Time{}
	for _, team := range left.Tried {
		tried[team] = next.Ended
	}
	for _, team := range left.NotBegun {
		if before, known := r.Tried[team]; known {
			tried[team] = before
		}
	}
	// Those of long ago come early in any case.
	teams := slices.SortedFunc(maps.Keys(tried), func(a, b string) int {
		return cmp.Or(tried[b].Compare(tried[a]), cmp.Compare(a, b))
	})
	for _, team := range teams[min(mostTried, len(teams)):] {
		delete(tried, team)
	}
	if len(tried) > 0 {
		next.Tried = tried
	}
	if good {
		next.Good = next.Ended
	}
	return next
}
