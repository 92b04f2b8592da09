// Package verdict reads what Quay's scanner says of an image, and holds it against what an image must not have.
package verdict

import (
	"fmt"
	"slices"
	"strings"
)

// Severity is how bad a vulnerability is, in Clair's order. The zero value is none: a threshold that nothing reaches.
type Severity int

// The severities, from the least on (quay/clair, claircore Severity). Defcon1 was above Critical in Clair v2, and Unrecognized is a
// word that none of them knows: nobody can say that it is harmless, so it is the worst.
const (
	None Severity = iota
	Unknown
	Negligible
	Low
	Medium
	High
	Critical
	Defcon1
	Unrecognized
	severities // How many there are.
)

// words are the severities in their order.
var words = []string{"none", "unknown", "negligible", "low", "medium", "high", "critical", "defcon1", "unrecognized"}

// String is the severity's word, in lower case.
func (s Severity) String() string { return words[s] }

// thresholds are the severities that a gate can be set to: with unknown everything would count, and what is above critical always does.
var thresholds = words[Negligible : Critical+1]

// ParseThreshold reads the severity from which on an image is refused, in lower case; empty is None. The error says which there are.
func ParseThreshold(word string) (Severity, error) {
	if word == "" {
		return None, nil
	}
	if !slices.Contains(thresholds, word) {
		return None, fmt.Errorf("%q is no severity of a gate: %s", word, strings.Join(thresholds, ", "))
	}
	return Severity(slices.Index(words, word)), nil
}

// severityOf is what Quay's answer calls a severity; score is the vulnerability's CVSS score there, 0 for none. Where Clair knows no
// severity Quay goes by that score, and leaves out 10 of all scores (quay/quay util/secscan, get_priority_from_cvssscore).
func severityOf(word string, score float64) Severity {
	s := Severity(slices.IndexFunc(words, func(known string) bool { return strings.EqualFold(known, word) }))
	switch {
	case s <= None || s == Unrecognized:
		return Unrecognized
	case s == Unknown && score >= 9:
		return Critical
	}
	return s
}
