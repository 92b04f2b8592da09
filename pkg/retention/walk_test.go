package retention_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/retention"
)

// at is the digest of a manifest of a nest.
func at(level, i int) string { return fmt.Sprintf("sha256:%032x%032x", level+1, i+1) }

// nest are indexes that are in one another on 8 levels: each lists the same few of the next level, the last ones images.
func nest(width int) map[string][]quay.Child {
	lists := map[string][]quay.Child{}
	for level := range 8 {
		for i := range width {
			for j := range width {
				lists[at(level, i)] = append(lists[at(level, i)], quay.Child{Digest: at(level+1, j), Index: level < 7})
			}
		}
	}
	return lists
}

// flat is an index of so many images.
func flat(images int) (list []quay.Child) {
	for i := range images {
		list = append(list, quay.Child{Digest: at(9, i)})
	}
	return list
}

// called are how many calls begin with a text.
func (q *fakeQuay) called(begin string) (n int) {
	for _, call := range q.calls {
		if strings.HasPrefix(call, begin) {
			n++
		}
	}
	return n
}

// rootsOf are anchors of indexes at the top of a nest.
func rootsOf(width int) (tags []quay.Tag) {
	for i := range width {
		tag := anchor(at(0, i), 90*day)
		tag.Index = true
		tags = append(tags, tag)
	}
	return tags
}

// Indexes that list one another many times cost one call each, however many anchors lead to them; what is in the last one still counts.
func TestNestedIndexes(t *testing.T) {
	for _, needed := range []bool{false, true} {
		q := fake(rootsOf(5)...)
		q.children = nest(5)
		source, want := &fakeSource{needs: map[string]string{}}, retention.LetGo
		if needed {
			source.needs[at(8, 4)], want = "Pod x", retention.Kept
		}
		r := collect(t, q, false, source)
		if r.Count(want) != 5 || len(r.Gaps) > 0 {
			t.Errorf("needed %t: %+v", needed, r)
		}
		if n := q.called("Children "); n != len(q.children) {
			t.Errorf("needed %t: %d calls for %d indexes", needed, n, len(q.children))
		}
	}
	// What an index lists that is needed is below it, too, once each.
	q := fake(append(rootsOf(5), anchor(at(8, 4), 90*day))...)
	q.children = nest(5)
	r := collect(t, q, true, &fakeSource{needs: map[string]string{at(0, 0): "branch x", at(0, 1): "branch y"}})
	if got := outcomes(r)[at(8, 4)]; got.Outcome != retention.Kept || got.Why != "index "+at(0, 0)+", which branch x needs" || q.called("Children ") != len(q.children) {
		t.Errorf("%+v, %d calls", got, q.called("Children "))
	}
}

// An index with more below it than is walked stops its own repository, and no other.
func TestWideIndex(t *testing.T) {
	for images, want := range map[int]retention.Outcome{1_000: retention.LetGo, 1_001: retention.Unknown} {
		q := fake(rootsOf(1)...)
		q.children[at(0, 0)] = flat(images)
		q.repositories = append(q.repositories, quay.Repository{Organization: "team-a", Name: "other", State: "NORMAL"})
		q.tags["team-a/other"] = []quay.Tag{anchor(digest("b"), 90*day)}
		r := collect(t, q, false, nobody{})
		got := outcomes(r)
		if got[at(0, 0)].Outcome != want || got[digest("b")].Outcome != retention.LetGo {
			t.Errorf("%d images: %+v", images, r)
		}
		if want == retention.Unknown && (len(r.Gaps) != 1 || r.Gaps[0].Repository != "team-a/app" || !strings.Contains(r.Gaps[0].Err.Error(), "more than 1000 manifests are in it")) {
			t.Errorf("%d images: gaps %+v", images, r.Gaps)
		}
	}
}

// Neither may indexes be in one another without end, nor all of a repository together have more than is walked.
func TestManyIndexes(t *testing.T) {
	for deep, want := range map[int]retention.Outcome{9: retention.LetGo, 10: retention.Unknown} {
		q := fake(rootsOf(1)...)
		for level := range deep {
			q.children[at(level, 0)] = []quay.Child{{Digest: at(level+1, 0), Index: level < deep-1}}
		}
		if r := collect(t, q, true, nobody{}); r.Count(want) != 1 {
			t.Errorf("%d deep: %+v", deep, r)
		}
	}
	list := flat(1_000)
	for indexes, want := range map[int]retention.Outcome{1_000: retention.LetGo, 1_001: retention.Unknown} {
		q := fake(rootsOf(indexes)...)
		for i := range indexes {
			q.children[at(0, i)] = list
		}
		r := collect(t, q, true, nobody{})
		if r.Count(want) != indexes || want == retention.Unknown && !strings.Contains(r.Gaps[0].Err.Error(), "more than 1000000 manifests are in the indexes of the repository") {
			t.Errorf("%d indexes: %d are %s, gaps %+v", indexes, r.Count(want), want, r.Gaps)
		}
	}
}

// A forecast reads each index once, and ends at the same bound.
func TestForecastInNested(t *testing.T) {
	lists, asks := nest(5), 0
	ask := func(index string) ([]quay.Child, error) { asks++; return lists[index], nil }
	got, err := retention.ForecastIn(rootsOf(5), at(8, 4), retention.House{}, now, ask)
	if err != nil || len(got.Tags) != 1 || asks != 36 {
		t.Errorf("%+v, error %v, %d asked", got, err, asks)
	}
	got, err = retention.ForecastIn(rootsOf(5), digest("f"), retention.House{}, now, ask)
	if err != nil || got.How == "" || asks != 36+len(lists) {
		t.Errorf("what no index lists: %+v, error %v, %d asked", got, err, asks)
	}
	lists[at(0, 0)] = flat(1_001)
	if _, err := retention.ForecastIn(rootsOf(1), digest("f"), retention.House{}, now, ask); err == nil || !strings.Contains(err.Error(), "more than 1000 manifests are in it") {
		t.Errorf("of a wide index: error %v", err)
	}
}
