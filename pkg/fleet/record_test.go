package fleet

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A record comes back as it was, and has its times in RFC 3339.
func TestRecord(t *testing.T) {
	v := NewVerification(noon)
	v.Add("payments", morning, map[string]string{"vault-token": "failed"})
	text, err := Encode(*v)
	want := `{"ended":"2026-11-24T11:00:00Z","teams":1,"right":0,"written":{"payments":"2026-11-24T09:00:00Z"},` +
		`"checks":{"vault-token":{"failed":1}},"findings":{"vault-token":{"payments":"failed"}}}`
	if text != want || err != nil {
		t.Errorf("text is %s, %v", text, err)
	}
	back, err := Decode[Verification](text)
	if diff := cmp.Diff(*v, back); diff != "" || err != nil {
		t.Errorf("(-want +got):\n%s%v", diff, err)
	}
	r := Rotation{}.After(morning, true, time.Hour, map[string]int{"kept": 3}, Left{Tried: []string{"payments"}})
	if text, err = Encode(r); err != nil {
		t.Fatal(err)
	}
	if back, err := Decode[Rotation](text); !cmp.Equal(r, back) || err != nil {
		t.Errorf("rotation is %+v, %v", back, err)
	}
}

// An empty ConfigMap, as config/fleet/ makes it, is that of no run; one that cannot be read is an error, and nothing is taken from it.
func TestDecode(t *testing.T) {
	if r, err := Decode[Rotation](""); err != nil || !cmp.Equal(r, Rotation{}) {
		t.Errorf("no text is %+v, %v", r, err)
	}
	for text, want := range map[string]string{
		"{":                                "reading the record",
		`{"good":"yesterday"}`:             "reading the record",
		`{"outcomes":{"kept":1e99}}`:       "reading the record",
		strings.Repeat(" ", maxRecord+1):   "bytes, more than",
		`{"outcomes":{"kept":1},"good":1}`: "reading the record",
	} {
		if r, err := Decode[Rotation](text); err == nil || !strings.Contains(err.Error(), want) || !cmp.Equal(r, Rotation{}) {
			t.Errorf("%.40q: %+v, %v", text, r, err)
		}
	}
	if v, err := Decode[Verification](`{"teams":2,"later":true}`); err != nil || v.Teams != 2 {
		t.Errorf("a newer one: %+v, %v", v, err)
	}
}

func TestARecordThatIsTooLarge(t *testing.T) {
	if _, err := Encode(Rotation{Outcomes: map[string]int{strings.Repeat("x", maxRecord): 1}}); err == nil || !strings.Contains(err.Error(), "no more than") {
		t.Errorf("error is %v", err)
	}
}
