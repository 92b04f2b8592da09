package pushlog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// at is a time some seconds after noon.
func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// digest is one of a letter.
func digest(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

// ran is a run of two minutes, which ended some seconds after noon and pushed to app with a tag.
func ran(seconds int, tag, letter string) *Run {
	return &Run{Push: Push{Time: at(seconds), Team: "payments", Repository: "quay.example.com/team-payments/app", Digest: digest(letter), Source: SourceController},
		Begin: at(seconds - 120), Tag: tag}
}

// logged is an entry of a tag of app, which it set to the digest of a letter if that is known.
func logged(seconds int, tag, who string, letter ...string) *entry {
	e := &entry{Push: quay.Push{Repository: "team-payments/app", Tag: tag, Time: at(seconds), Robot: who}}
	if len(letter) > 0 {
		e.digest = digest(letter[0])
	}
	return e
}

func TestMatch(t *testing.T) {
	anchor := reference.Anchor(digest("a"))
	for name, row := range map[string]struct {
		runs    []*Run
		entries []*entry
		who     []string
		rest    string
	}{
		"tag and anchor": {[]*Run{ran(0, "v1", "a")}, []*entry{logged(-3, anchor, "ci"), logged(-4, "v1", "ci")}, []string{"ci"}, ""},
		"anchor alone":   {[]*Run{ran(0, "", "a")}, []*entry{logged(-3, anchor, "ci")}, []string{"ci"}, ""},
		"no entry":       {[]*Run{ran(0, "v1", "a")}, nil, []string{""}, ""},
		// Somebody moves the same tag right after the run: that is no push of the run's.
		"another moves the tag": {[]*Run{ran(0, "v1", "a")}, []*entry{logged(20, "v1", "thief"), logged(-3, anchor, "ci"), logged(-4, "v1", "ci")}, []string{"ci"}, "v1 by thief at 20"},
		"two runs, one tag": {[]*Run{ran(0, "main", "a"), ran(60, "main", "b")},
			[]*entry{logged(58, "main", "ci-2"), logged(-1, "main", "ci")}, []string{"ci", "ci-2"}, ""},
		"one more entry than runs": {[]*Run{ran(0, "v1", "a")}, []*entry{logged(-1, "v1", "ci"), logged(-30, "v1", "ci")}, []string{"ci"}, "v1 by ci at -30"},
		// An entry is one run's alone, and a run whose digest nobody knows explains none.
		"one more run than entries":  {[]*Run{ran(0, "v1", "a"), ran(1, "v1", "a")}, []*entry{logged(-1, "v1", "ci", "a")}, []string{"ci", ""}, ""},
		"a run without a digest":     {[]*Run{digestless(ran(0, "v1", "a"))}, []*entry{logged(-1, "v1", "ci")}, []string{""}, "v1 by ci at -1"},
		"clocks that differ":         {[]*Run{ran(0, "v1", "a")}, []*entry{logged(119, "v1", "ci")}, []string{"ci"}, ""},
		"after it ended":             {[]*Run{ran(0, "v1", "a")}, []*entry{logged(121, "v1", "ci")}, []string{""}, "v1 by ci at 121"},
		"before it began":            {[]*Run{ran(0, "v1", "a")}, []*entry{logged(-241, "v1", "ci")}, []string{""}, "v1 by ci at -241"},
		"another repository":         {[]*Run{ran(0, "v1", "a")}, []*entry{{Push: quay.Push{Repository: "team-payments/other", Tag: "v1", Time: at(-1), Robot: "ci"}}}, []string{""}, "v1 by ci at -1"},
		"another digest's anchor":    {[]*Run{ran(0, "v1", "b")}, []*entry{logged(-1, anchor, "ci")}, []string{""}, anchor + " by ci at -1"},
		"a run that was refused":     {[]*Run{refused(ran(0, "v1", "a"))}, []*entry{logged(-1, "v1", "ci")}, []string{""}, "v1 by ci at -1"},
		"a run without tag is no v1": {[]*Run{ran(0, "", "a")}, []*entry{logged(-1, "v1", "ci")}, []string{""}, "v1 by ci at -1"},
		// He moves it before the run ends, so that his entry is the nearest.
		"another moves the tag before it ends": {[]*Run{ran(0, "v1", "a")}, []*entry{logged(-1, "v1", "thief", "b"), logged(-3, anchor, "ci", "a"), logged(-4, "v1", "ci", "a")},
			[]string{"ci"}, "v1 by thief at -1"},
		"another moves the anchor": {[]*Run{ran(0, "v1", "a")}, []*entry{logged(-1, anchor, "thief", "b"), logged(-3, anchor, "ci", "a")}, []string{"ci"}, anchor + " by thief at -1"},
		"a digest that is known, before one that is not": {[]*Run{ran(0, "v1", "a")}, []*entry{logged(-1, "v1", "thief"), logged(-4, "v1", "ci", "a")},
			[]string{"ci"}, "v1 by thief at -1"},
		"not known, by another than set the anchor": {[]*Run{ran(0, "v1", "a")}, []*entry{logged(-1, "v1", "thief"), logged(-3, anchor, "ci", "a")},
			[]string{"ci"}, "v1 by thief at -1"},
		"the same digest, by another than set the anchor": {[]*Run{ran(0, "v1", "a")},
			[]*entry{logged(-1, "v1", "ops", "a"), logged(-3, anchor, "ci", "a"), logged(-4, "v1", "ci", "a")}, []string{"ci"}, "v1 by ops at -1"},
		"a task": {[]*Run{task(ran(0, "v1", "a"))}, []*entry{logged(-3, anchor, "ci", "a"), logged(-4, "v1", "ci", "a")}, []string{"ci"}, ""},
		// What a team's own task says may explain away no push whose digest nobody knows.
		"a task, not known": {[]*Run{task(ran(0, "v1", "a"))}, []*entry{logged(-4, "v1", "ci")}, []string{""}, "v1 by ci at -4"},
	} {
		t.Run(name, func(t *testing.T) {
			rest, who := []string{}, []string{}
			match(row.runs, row.entries, "quay.example.com")
			for _, e := range row.entries {
				if e.taken {
					continue
				}
				rest = append(rest, fmt.Sprintf("%s by %s at %d", e.Tag, e.Robot, int(e.Time.Sub(noon).Seconds())))
			}
			for _, run := range row.runs {
				who = append(who, run.Who)
			}
			if got := strings.Join(rest, ", "); got != row.rest {
				t.Errorf("no run's are %q, want %q", got, row.rest)
			}
			if diff := cmp.Diff(row.who, who); diff != "" {
				t.Errorf("who (-want +got):\n%s", diff)
			}
		})
	}
}

func task(run *Run) *Run {
	run.Source = SourceTask
	return run
}

func digestless(run *Run) *Run {
	run.Digest = ""
	return run
}

func refused(run *Run) *Run {
	run.Refused = "ResultsUnproven: the registry serves another digest"
	return run
}

func TestSort(t *testing.T) {
	l := List{Pushes: []Push{
		{Time: at(0), Team: "b", Digest: digest("2")}, {Time: at(1), Team: "a", Digest: digest("1")}, {Time: at(0), Team: "a", Namespace: "n", Run: "2", Digest: digest("2")},
		{Time: at(0), Team: "a", Namespace: "n", Run: "1"}, {Time: at(2), Team: "z", Digest: digest("9"), Refused: "no"}}}
	l.Sort()
	order := []string{}
	for _, p := range l.Pushes {
		order = append(order, p.Team+p.Run)
	}
	if diff := cmp.Diff([]string{"z", "a", "a1", "a2", "b"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{digest("1"), digest("2")}, l.Digests()); diff != "" {
		t.Errorf("digests (-want +got):\n%s", diff)
	}
}
