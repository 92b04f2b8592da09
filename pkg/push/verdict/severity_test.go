package verdict

import (
	"strings"
	"testing"
)

// Clair's order is kept, a word that it does not have is the worst, and of the scores the one that Quay forgets is not harmless.
func TestSeverityOf(t *testing.T) {
	order := []string{"Unknown", "Negligible", "Low", "Medium", "High", "Critical", "Defcon1"}
	for i, word := range order {
		if got := severityOf(word, 0); got != Unknown+Severity(i) || got.String() != strings.ToLower(word) {
			t.Errorf("%s is %v", word, got)
		}
	}
	for _, test := range []struct {
		word  string
		score float64
		want  Severity
	}{
		{"", 0, Unrecognized}, {"Important", 0, Unrecognized}, {"none", 0, Unrecognized}, {"Unrecognized", 0, Unrecognized}, {"low ", 0, Unrecognized},
		{"Unknown", 10, Critical}, {"Unknown", 9, Critical}, {"Unknown", 8.9, Unknown}, {"Low", 10, Low}, {"HIGH", 0, High},
	} {
		if got := severityOf(test.word, test.score); got != test.want {
			t.Errorf("%q with score %v is %v, want %v", test.word, test.score, got, test.want)
		}
	}
}

func TestParseThreshold(t *testing.T) {
	for word, want := range map[string]Severity{"": None, "negligible": Negligible, "low": Low, "medium": Medium, "high": High, "critical": Critical} {
		if got, err := ParseThreshold(word); got != want || err != nil {
			t.Errorf("%q is %v, %v", word, got, err)
		}
	}
	for _, word := range []string{"none", "unknown", "High", "defcon1", "unrecognized", "high ", "7"} {
		if got, err := ParseThreshold(word); err == nil || !strings.Contains(err.Error(), "negligible, low, medium, high, critical") {
			t.Errorf("%q is %v, %v", word, got, err)
		}
	}
}
