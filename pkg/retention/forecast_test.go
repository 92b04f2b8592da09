package retention_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/retention"
)

func TestForecast(t *testing.T) {
	a, b := digest("a"), digest("b")
	main := quay.Tag{Name: "main", Digest: a, Start: ago(3 * day)}
	before := quay.Tag{Name: "main", Digest: b, Start: ago(9 * day), End: ago(3 * day)}
	pr := quay.Tag{Name: "pr-1", Digest: a, Start: ago(3 * day), End: ago(-4 * day)}
	dead := quay.Tag{Name: "main", Digest: a, Start: ago(9 * day), End: ago(2 * day)}
	fixed := main
	fixed.Immutable = true
	old := retention.House{TimeMachine: 14 * day}
	count := retention.House{Prunes: []quay.PrunePolicy{{Method: "number_of_tags", Value: "10", Matches: true}}}
	age := retention.House{Prunes: []quay.PrunePolicy{{Method: "creation_date", Value: "7d", Matches: true}}}
	for name, row := range map[string]struct {
		tags  []quay.Tag
		house retention.House
		keep  []string
		how   string
		dies  time.Time
	}{
		"a tag":                       {tags: []quay.Tag{main}, keep: []string{"main"}},
		"a tag of another digest":     {tags: []quay.Tag{{Name: "main", Digest: b, Start: ago(day)}}, how: "no tag names it, and none did recently"},
		"nothing":                     {how: "no tag names it, and none did recently"},
		"an anchor":                   {tags: []quay.Tag{anchor(a, day)}, house: age, keep: []string{reference.Anchor(a)}},
		"a tag that moves":            {tags: []quay.Tag{main, before}, how: `tag "main" moves on with the next push to it`},
		"it, and an anchor":           {tags: []quay.Tag{main, before, anchor(a, day)}, keep: []string{reference.Anchor(a)}},
		"it, and one that stays":      {tags: []quay.Tag{main, before, {Name: "v1", Digest: a, Start: ago(day)}}, keep: []string{"v1"}},
		"one that is immutable now":   {tags: []quay.Tag{fixed, before}, house: count, keep: []string{"main"}},
		"one that expires":            {tags: []quay.Tag{pr}, how: `its last tag "pr-1" expires at 2026-03-05T12:00:00Z`, dies: ago(-4 * day)},
		"two that expire":             {tags: []quay.Tag{pr, {Name: "pr-2", Digest: a, Start: ago(day), End: ago(-9 * day)}}, how: `its last tag "pr-2" expires`, dies: ago(-9 * day)},
		"one that expires, one not":   {tags: []quay.Tag{pr, main}, keep: []string{"main"}},
		"in the time machine":         {tags: []quay.Tag{dead}, house: old, how: "no tag has named it since 2026-02-27T12:00:00Z: it can be pulled for at most an hour after its push, and Quay drops it at 2026-03-13T12:00:00Z", dies: ago(-12 * day)},
		"in one that is not known":    {tags: []quay.Tag{dead}, how: "and Quay drops it when its time machine does"},
		"a policy of numbers":         {tags: []quay.Tag{main}, house: count, how: `auto-prune, which leaves the newest 10 tags, takes tag "main"`},
		"a policy of age":             {tags: []quay.Tag{main}, house: age, how: `auto-prune, which takes tags after 7d, takes tag "main" at 2026-03-05T12:00:00Z`, dies: ago(-4 * day)},
		"a policy of other tags":      {tags: []quay.Tag{main}, house: retention.House{Prunes: []quay.PrunePolicy{{Method: "creation_date", Value: "7d", Pattern: "^pr-", Matches: true}}}, keep: []string{"main"}},
		"two policies":                {tags: []quay.Tag{main}, house: retention.House{Prunes: append(slices.Clone(age.Prunes), quay.PrunePolicy{Method: "creation_date", Value: "5d", Matches: true})}, how: "after 5d", dies: ago(-2 * day)},
		"a mutable anchor, and age":   {tags: []quay.Tag{{Name: reference.Anchor(a), Digest: a, Start: ago(day)}}, house: age, how: "takes tags after 7d", dies: ago(-6 * day)},
		"one is pruned, one moves":    {tags: []quay.Tag{main, before, {Name: "pr-1", Digest: a, Start: ago(day)}}, house: retention.House{Prunes: []quay.PrunePolicy{{Method: "creation_date", Value: "7d", Pattern: "^pr-", Matches: true}}}, how: `takes tag "pr-1" at 2026-03-07T12:00:00Z, and tag "main" moves on`},
		"an age that nobody can read": {tags: []quay.Tag{main}, house: retention.House{Prunes: []quay.PrunePolicy{{Method: "creation_date", Value: "soon", Matches: true}}}, how: "takes tags after soon"},
	} {
		got := retention.Forecast(row.tags, a, row.house, now)
		if !slices.Equal(got.Tags, row.keep) || (row.how == "") != (got.How == "") || !strings.Contains(got.How, row.how) || !got.Dies.Equal(row.dies) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// What an index lists is kept as long as the index is, and dies with it.
func TestForecastIn(t *testing.T) {
	a, b, c := digest("a"), digest("b"), digest("c")
	house := retention.House{TimeMachine: 14 * day}
	index := func(name, digest string, end time.Duration) quay.Tag {
		tag := quay.Tag{Name: name, Digest: digest, Start: ago(3 * day), Index: true}
		if end != 0 {
			tag.End = ago(end)
		}
		return tag
	}
	dead := quay.Tag{Name: "main", Digest: a, Start: ago(9 * day), End: ago(2 * day)}
	lists := map[string][]quay.Child{b: {{Digest: digest("d")}, {Digest: a}}, c: {{Digest: b, Index: true}}, digest("e"): {{Digest: digest("d")}}}
	for name, row := range map[string]struct {
		tags []quay.Tag
		keep []string
		how  string
		dies time.Time
		asks int
	}{
		"a tag of its own":            {tags: []quay.Tag{index("v1", b, 0), {Name: "x", Digest: a, Start: ago(day)}}, keep: []string{"x"}},
		"in a tagged index":           {tags: []quay.Tag{index("v1", b, 0)}, keep: []string{"v1"}, asks: 1},
		"in one that is in a tagged":  {tags: []quay.Tag{index("v1", c, 0)}, keep: []string{"v1"}, asks: 2},
		"in no tagged index":          {tags: []quay.Tag{index("v1", digest("e"), 0)}, how: "no tag names it, and none did recently", asks: 1},
		"in an index that is dead":    {tags: []quay.Tag{index("v1", b, day)}, how: "no tag names it, and none did recently"},
		"in one that expires":         {tags: []quay.Tag{dead, index("v1", b, -day)}, how: "it is in the index " + b + `: its last tag "v1" expires at`, dies: ago(-day), asks: 1},
		"it lives longer than that":   {tags: []quay.Tag{{Name: "x", Digest: a, Start: ago(day), End: ago(-9 * day)}, index("v1", b, -day)}, how: `its last tag "x" expires`, dies: ago(-9 * day), asks: 1},
		"one that moves, and another": {tags: []quay.Tag{index("main", b, 0), {Name: "main", Digest: digest("f"), Start: ago(9 * day), End: ago(3 * day)}, index("v1", c, 0)}, keep: []string{"v1"}, asks: 2},
		"no index at all":             {tags: []quay.Tag{dead}, how: "no tag has named it since", dies: ago(-12 * day)},
	} {
		asks := 0
		got, err := retention.ForecastIn(row.tags, a, house, now, func(digest string) ([]quay.Child, error) { asks++; return lists[digest], nil })
		if err != nil || !slices.Equal(got.Tags, row.keep) || (row.how == "") != (got.How == "") || !strings.Contains(got.How, row.how) || !got.Dies.Equal(row.dies) || asks != row.asks {
			t.Errorf("%s: %+v, error %v, %d asked", name, got, err, asks)
		}
	}
	broken := errors.New("broken")
	if _, err := retention.ForecastIn([]quay.Tag{index("v1", b, 0)}, a, house, now, func(string) ([]quay.Child, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("an index that cannot be read: %v", err)
	}
}
