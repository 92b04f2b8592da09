package verdict

import (
	"strings"
	"testing"
)

func TestParsePolicy(t *testing.T) {
	for text, want := range map[string]Policy{
		"": {}, "none": {}, "high": {Threshold: High}, "critical+fixable-only": {Threshold: Critical, FixableOnly: true},
		"low+unsupported-pass": {Threshold: Low, PassUnsupported: true}, "medium+unsupported-pass+fixable-only": {Medium, true, true},
	} {
		got, err := ParsePolicy(text)
		if got != want || err != nil {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
		if again, err := ParsePolicy(got.String()); again != want || err != nil {
			t.Errorf("%q is written %q, which is %+v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"worst", "high+", "high+fixable", "high+fixable-only+fixable-only", "none+fixable-only", "+fixable-only", "High", "high fixable-only"} {
		if got, err := ParsePolicy(text); err == nil || !strings.Contains(err.Error(), `"`+strings.Split(text, "+")[0]) {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
}

// Whatever a run asks for, no image gets through that the floor stops, and none that the run itself would have stopped.
func TestAtLeast(t *testing.T) {
	var all []Policy
	for _, threshold := range []Severity{None, Low, High, Critical} {
		for i := range 4 {
			all = append(all, Policy{threshold, i&1 > 0, i&2 > 0})
		}
	}
	for _, floor := range all {
		for _, run := range all {
			got := run.AtLeast(floor)
			for s := Unknown; s < severities; s++ {
				for _, fix := range []string{"", "2"} {
					v := Vulnerability{Severity: s, FixedBy: fix}
					if want := run.Counts(v) || floor.Counts(v); want && !got.Counts(v) {
						t.Errorf("%v at least %v is %v, which lets %+v through", run, floor, got, v)
					}
				}
			}
			if floor.Threshold != None && !floor.PassUnsupported && got.PassUnsupported {
				t.Errorf("%v at least %v lets pass what is not supported", run, floor)
			}
			if floor.Threshold == None && got != run || run.Threshold == None && floor.Threshold != None && got != floor {
				t.Errorf("%v at least %v is %v", run, floor, got)
			}
		}
	}
}

func TestCounts(t *testing.T) {
	fixed, open := Vulnerability{Severity: High, FixedBy: "2"}, Vulnerability{Severity: High}
	for _, test := range []struct {
		policy      Policy
		fixed, open bool
	}{
		{Policy{}, false, false}, {Policy{Threshold: High}, true, true}, {Policy{Threshold: Critical}, false, false},
		{Policy{Threshold: Low, FixableOnly: true}, true, false}, {Policy{Threshold: Critical, FixableOnly: true}, false, false},
	} {
		if test.policy.Counts(fixed) != test.fixed || test.policy.Counts(open) != test.open {
			t.Errorf("%v counts %v and %v", test.policy, test.policy.Counts(fixed), test.policy.Counts(open))
		}
	}
}

func TestParseUnsupported(t *testing.T) {
	for word, want := range map[string]bool{"pass": true, "fail": false} {
		if got, err := ParseUnsupported(word); got != want || err != nil {
			t.Errorf("%q is %v, %v", word, got, err)
		}
	}
	for _, word := range []string{"", "Pass", "true"} {
		if _, err := ParseUnsupported(word); err == nil {
			t.Errorf("%q is taken", word)
		}
	}
}
