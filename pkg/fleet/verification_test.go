package fleet

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	noon    = time.Date(2026, 11, 24, 12, 0, 0, 999, time.FixedZone("CET", 3600))
	morning = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
)

// A team is right if every check passed; what did not pass is told by name, and everything is counted.
func TestAdd(t *testing.T) {
	v := NewVerification(noon)
	v.Add("payments", morning, map[string]string{"push-right": "passed", "vault-token": "passed"})
	v.Add("platform", morning.Add(-time.Hour), map[string]string{"push-right": "skipped", "vault-token": "failed"})
	v.Add("retail", time.Time{}, map[string]string{"asked": "failed"})
	want := &Verification{
		Ended: time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC), Teams: 3, Right: 1,
		Written: map[string]time.Time{"payments": morning, "platform": morning.Add(-time.Hour)},
		Checks: map[string]map[string]int{"push-right": {"passed": 1, "skipped": 1}, "vault-token": {"passed": 1, "failed": 1},
			"asked": {"failed": 1}},
		Findings: map[string]map[string]string{"push-right": {"platform": "skipped"}, "vault-token": {"platform": "failed"}, "asked": {"retail": "failed"}},
	}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A team that has two tokens, which is a finding of its own, has the age of the older one.
func TestTheOlderTokenCounts(t *testing.T) {
	v := NewVerification(noon)
	for _, written := range []time.Time{morning, morning.Add(-time.Hour), morning.Add(time.Hour), {}} {
		v.Add("payments", written, nil)
	}
	if got := v.Written["payments"]; !got.Equal(morning.Add(-time.Hour)) || v.Teams != 4 {
		t.Errorf("written at %s, %d teams", got, v.Teams)
	}
}

// What all teams have hides nothing: another finding, of the last team, is told by name. And the record of 1,000 teams that fail
// everything still fits.
func TestFindingsAreBounded(t *testing.T) {
	v := NewVerification(noon)
	for i := range 1000 {
		checks := map[string]string{}
		for check := range 20 {
			checks[fmt.Sprintf("check-with-a-long-name-%d", check)] = "failed"
		}
		if i == 999 {
			checks["not-shared"] = "failed"
		}
		v.Add(fmt.Sprintf("team-with-a-name-that-is-as-long-as-names-can-be-%d", i), morning, checks)
	}
	if got := v.Findings["not-shared"]; len(got) != 1 {
		t.Errorf("the finding of one team is %v", got)
	}
	for check, teams := range v.Findings {
		if len(teams) > 100 {
			t.Errorf("%s names %d teams", check, len(teams))
		}
	}
	if n := v.Checks["check-with-a-long-name-7"]["failed"]; n != 1000 {
		t.Errorf("%d teams are counted", n)
	}
	text, err := Encode(*v)
	if err != nil || len(text) > 400<<10 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if strings.Contains(text, "passed") {
		t.Error("what passed is told by name")
	}
}
