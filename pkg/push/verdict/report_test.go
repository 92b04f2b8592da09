package verdict

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// add makes a report of what is found under p.
func add(t *testing.T, p Policy, found ...Vulnerability) *Report {
	t.Helper()
	r := NewReport(p)
	for _, v := range found {
		if err := r.Add(v); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// Each counts once, whichever platform has it; what refuses the image comes first, however bad the rest is.
func TestReport(t *testing.T) {
	open := Vulnerability{"kernel", "5", "CVE-1", "", Critical}
	fixed := Vulnerability{"zlib", "1.2", "CVE-2", "1.3", High}
	other := Vulnerability{"zlib", "1.1", "CVE-2", "1.3", High}
	odd := Vulnerability{"a", "1", "X", "2", Unrecognized}
	low := Vulnerability{"b", "1", "Y", "2", Low}
	found := []Vulnerability{open, low, fixed, fixed, other, odd, low}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	r := add(t, Policy{Threshold: High, FixableOnly: true}, found...)
	if diff := cmp.Diff([]Vulnerability{odd, other, fixed, open, low}, r.Worst()); diff != "" || r.Blocking() != 3 {
		t.Errorf("%d refuse it\n%s", r.Blocking(), diff)
	}
	if got, want := r.Counts(), `{"unrecognized":1,"critical":1,"high":2,"medium":0,"low":1,"negligible":0,"unknown":0}`; got != want {
		t.Errorf("counts are %s, want %s", got, want)
	}
	if got := r.Summary(); got != "1 unrecognized and 2 high" {
		t.Errorf("summary is %q", got)
	}
	strict := add(t, Policy{Threshold: Low}, found...)
	if got := strict.Summary(); got != "1 unrecognized, 1 critical, 2 high and 1 low" || strict.Blocking() != 5 || strict.Worst()[1] != open {
		t.Errorf("summary is %q, %d, %v", got, strict.Blocking(), strict.Worst())
	}
	none := NewReport(Policy{Threshold: Low})
	if none.Summary() != "" || none.WorstJSON(100) != "[]" || none.Counts() != `{"critical":0,"high":0,"medium":0,"low":0,"negligible":0,"unknown":0}` {
		t.Errorf("an empty one has %q, %s, %s", none.Summary(), none.WorstJSON(100), none.Counts())
	}
}

// What comes a second time, and as worse, refuses the image all the same.
func TestReportTakesTheWorse(t *testing.T) {
	r := add(t, Policy{Threshold: High}, Vulnerability{"zlib", "1.2", "CVE-2", "1.3", Low}, Vulnerability{"zlib", "1.2", "CVE-2", "1.3", Critical})
	if r.Blocking() != 1 || r.Worst()[0].Severity != Critical {
		t.Errorf("%d refuse it, the worst is %+v", r.Blocking(), r.Worst()[0])
	}
}

// The result has the ten worst at most, as many as fit where Tekton quotes it once more.
func TestWorstJSON(t *testing.T) {
	r := NewReport(Policy{Threshold: Low})
	for i := range 50 {
		if err := r.Add(Vulnerability{fmt.Sprintf("package-%02d<>&\"", i), "1.0", "CVE-2026-1", "1.1", Severity(int(Low) + i%4)}); err != nil {
			t.Fatal(err)
		}
	}
	for most, want := range map[int]int{10_000: 10, 2000: 10, 700: 4, 4: 0, 0: 0, -5: 0} {
		text := r.WorstJSON(most)
		var entries []Entry
		if err := json.Unmarshal([]byte(text), &entries); err != nil {
			t.Fatal(err)
		}
		if len(entries) != want || want > 0 && Quoted(text) > most {
			t.Errorf("in %d bytes there are %d, want %d, with %d bytes", most, len(entries), want, Quoted(text))
		}
		if want > 0 && entries[0] != (Entry{"package-03<>&\"", "1.0", "critical", "CVE-2026-1", "1.1"}) {
			t.Errorf("the first is %+v", entries[0])
		}
	}
}

// An image cannot have so many that they fill the memory.
func TestReportIsBounded(t *testing.T) {
	r := NewReport(Policy{})
	var err error
	n := 0
	for ; err == nil; n++ {
		err = r.Add(Vulnerability{Name: fmt.Sprint(n), Severity: Low})
	}
	if n != 200_001 || !IsShape(err) || !strings.Contains(err.Error(), "more than 200000 vulnerabilities") {
		t.Errorf("after %d: %v", n, err)
	}
	if err := r.Add(Vulnerability{Name: "7", Severity: Low}); err != nil {
		t.Errorf("one that is known: %v", err)
	}
}
