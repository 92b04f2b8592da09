package fleet

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A run with a team that failed counts, and leaves the time of the last good run as it is.
func TestAfter(t *testing.T) {
	first := Rotation{}.After(morning, true, 720*time.Hour, map[string]int{"rotated": 2})
	want := Rotation{Ended: morning, Good: morning, MaxAgeSeconds: 2592000, Outcomes: map[string]int{"rotated": 2}}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("a good run (-want +got):\n%s", diff)
	}
	second := first.After(morning.Add(time.Hour), false, 240*time.Hour, map[string]int{"rotated": 1, "failed": 1})
	want = Rotation{Ended: morning.Add(time.Hour), Good: morning, MaxAgeSeconds: 864000, Outcomes: map[string]int{"rotated": 1, "failed": 1}}
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("a run with a failure (-want +got):\n%s", diff)
	}
	if never := (Rotation{}).After(morning, false, time.Hour, nil); !never.Good.IsZero() {
		t.Errorf("no run was good, and the last good one is of %s", never.Good)
	}
}
