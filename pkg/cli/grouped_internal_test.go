package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGrouped(t *testing.T) {
	var g grouped
	if got := g.lines("team"); len(got) > 0 {
		t.Errorf("nothing is %q", got)
	}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		g.add("late", name)
	}
	g.add("gone", "a")
	if diff := cmp.Diff([]string{"team a, b, c, d, e: late", "team a: gone"}, g.lines("team")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	g.add("late", "f")
	if got, want := g.lines("team")[0], "team a, b, c, d, e and 1 more: late"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
