package fleet

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A run with a team that failed counts, and leaves the time of the last good run as it is.
func TestAfter(t *testing.T) {
	first := Rotation{}.After(morning, true, 720*time.Hour, map[string]int{"rotated": 2}, Left{})
	want := Rotation{Ended: morning, Good: morning, MaxAgeSeconds: 2592000, Outcomes: map[string]int{"rotated": 2}}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("a good run (-want +got):\n%s", diff)
	}
	second := first.After(morning.Add(time.Hour), false, 240*time.Hour, map[string]int{"rotated": 1, "failed": 1}, Left{})
	want = Rotation{Ended: morning.Add(time.Hour), Good: morning, MaxAgeSeconds: 864000, Outcomes: map[string]int{"rotated": 1, "failed": 1}}
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("a run with a failure (-want +got):\n%s", diff)
	}
	if never := (Rotation{}).After(morning, false, time.Hour, nil, Left{}); !never.Good.IsZero() {
		t.Errorf("no run was good, and the last good one is of %s", never.Good)
	}
}

// Of a team that was tried and not rotated the time is kept until it is rotated, also by a run that does not come to it; of very many the
// latest.
func TestAfterTried(t *testing.T) {
	first := Rotation{}.After(morning, false, time.Hour, nil, Left{Tried: []string{"a", "b", "c"}})
	second := first.After(morning.Add(time.Hour), false, time.Hour, nil, Left{Tried: []string{"b", "d"}, NotBegun: []string{"c", "e"}})
	want := map[string]time.Time{"b": morning.Add(time.Hour), "c": morning, "d": morning.Add(time.Hour)}
	if diff := cmp.Diff(want, second.Tried); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	many := Left{NotBegun: []string{"b"}}
	for i := range mostTried {
		many.Tried = append(many.Tried, fmt.Sprint("t", i))
	}
	if third := second.After(morning.Add(2*time.Hour), false, time.Hour, nil, many); len(third.Tried) != mostTried || !third.Tried["b"].IsZero() {
		t.Errorf("%d teams, b was tried at %s", len(third.Tried), third.Tried["b"])
	}
	if last := second.After(morning.Add(3*time.Hour), true, time.Hour, nil, Left{}); len(last.Tried) != 0 {
		t.Errorf("all were rotated, and left are %v", last.Tried)
	}
}
