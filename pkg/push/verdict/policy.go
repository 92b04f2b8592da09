package verdict

import (
	"fmt"
	"strings"
)

// Policy is what an image must not have to get its tags. The zero value is none: nobody looks.
type Policy struct {
	// Threshold is the severity from which on a vulnerability refuses the image, itself included; None is no gate.
	Threshold Severity
	// FixableOnly leaves out what nothing fixes yet.
	FixableOnly bool
	// PassUnsupported lets what the scanner cannot scan have its tags.
	PassUnsupported bool
}

// The words of a policy behind its severity, in config-tenancy.
const (
	wordFixableOnly     = "fixable-only"
	wordPassUnsupported = "unsupported-pass"
	wordNone            = "none"
)

// ParsePolicy reads a policy of config-tenancy: a severity, and behind it +fixable-only and +unsupported-pass, such as
// high+fixable-only. Empty and none are no gate.
func ParsePolicy(text string) (Policy, error) {
	word, rest, more := strings.Cut(text, "+")
	if word == wordNone {
		word = ""
	}
	threshold, err := ParseThreshold(word)
	if err != nil {
		return Policy{}, err
	}
	p := Policy{Threshold: threshold}
	if !more {
		return p, nil
	}
	for option := range strings.SplitSeq(rest, "+") {
		set := map[string]*bool{wordFixableOnly: &p.FixableOnly, wordPassUnsupported: &p.PassUnsupported}[option]
		if set == nil || *set || threshold == None {
			return Policy{}, fmt.Errorf("%q is no gate: a severity, with +%s or +%s behind it, each once", text, wordFixableOnly, wordPassUnsupported)
		}
		*set = true
	}
	return p, nil
}

// String is the policy as ParsePolicy reads it.
func (p Policy) String() string {
	if p.Threshold == None {
		return wordNone
	}
	text := p.Threshold.String()
	if p.FixableOnly {
		text += "+" + wordFixableOnly
	}
	if p.PassUnsupported {
		text += "+" + wordPassUnsupported
	}
	return text
}

// AtLeast is p where it is stricter than the floor, and the floor where it is not, in each of the three.
func (p Policy) AtLeast(floor Policy) Policy {
	switch {
	case floor.Threshold == None:
		return p
	case p.Threshold == None:
		return floor
	}
	return Policy{min(p.Threshold, floor.Threshold), p.FixableOnly && floor.FixableOnly, p.PassUnsupported && floor.PassUnsupported}
}

// Counts reports whether v refuses an image.
func (p Policy) Counts(v Vulnerability) bool {
	return p.Threshold != None && v.Severity >= p.Threshold && (!p.FixableOnly || v.FixedBy != "")
}

// ParseUnsupported reads pass or fail.
func ParseUnsupported(word string) (pass bool, err error) {
	if word != "pass" && word != "fail" {
		return false, fmt.Errorf("%q is not fail or pass", word)
	}
	return word == "pass", nil
}
