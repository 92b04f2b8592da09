package retention_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/retention"
)

// collect runs it on the organization.
func collect(t *testing.T, q *fakeQuay, dryRun bool, sources ...retention.Source) retention.Result {
	t.Helper()
	return retention.Collect(t.Context(), q, retention.Options{Organizations: []string{"team-a"}, Sources: sources, Grace: grace, Parallel: 2, DryRun: dryRun,
		Now: func() time.Time { return now }})
}

// outcomes are those of the anchors, by digest.
func outcomes(r retention.Result) map[string]retention.Anchor {
	found := map[string]retention.Anchor{}
	for _, a := range r.Anchors {
		found[a.Digest] = a
	}
	return found
}

// What keeps an anchor, and what does not, one by one.
func TestDecide(t *testing.T) {
	a, b, c := digest("a"), digest("b"), digest("c")
	tag := func(name, digest string, start, end time.Duration) quay.Tag {
		t := quay.Tag{Name: name, Digest: digest, Start: ago(start)}
		if end != 0 {
			t.End = ago(end)
		}
		return t
	}
	old := anchor(a, 90*day)
	index := func(t quay.Tag) quay.Tag { t.Index = true; return t }
	for name, row := range map[string]struct {
		tags     []quay.Tag
		children map[string][]quay.Child
		needs    map[string]string
		miss     map[string]error
		state    string
		want     retention.Outcome
		why      string
		until    time.Time
	}{
		"nothing needs it":                    {tags: []quay.Tag{old}, want: retention.LetGo, why: "nothing has needed it since 2025-12-01T12:00:00Z"},
		"a branch needs it":                   {tags: []quay.Tag{old}, needs: map[string]string{a: "branch main"}, want: retention.Kept, why: "branch main"},
		"another digest is needed":            {tags: []quay.Tag{old}, needs: map[string]string{b: "branch main"}, want: retention.LetGo},
		"young":                               {tags: []quay.Tag{anchor(a, 29*day)}, want: retention.Kept, why: "grace period, since 2026-01-31T12:00:00Z", until: ago(-day)},
		"its last second of grace":            {tags: []quay.Tag{anchor(a, 30*day-time.Second)}, want: retention.Kept, why: "grace period", until: ago(-time.Second)},
		"its first second after":              {tags: []quay.Tag{anchor(a, 30*day)}, want: retention.LetGo},
		"another tag has it":                  {tags: []quay.Tag{old, tag("main", a, 80*day, 0)}, want: retention.Kept, why: "tag main"},
		"another tag, which expires":          {tags: []quay.Tag{old, tag("pr-1", a, 80*day, -day)}, want: retention.Kept, why: "tag pr-1"},
		"another tag had it lately":           {tags: []quay.Tag{tag("main", b, 10*day, 0), tag("main", a, 80*day, 10*day), old}, want: retention.Kept, why: "grace period, since 2026-02-19T12:00:00Z", until: ago(-20 * day)},
		"another tag had it long ago":         {tags: []quay.Tag{tag("main", b, 40*day, 0), tag("main", a, 80*day, 40*day), old}, want: retention.LetGo, why: "nothing has needed it since 2026-01-20T12:00:00Z"},
		"it was set anew":                     {tags: []quay.Tag{anchor(a, 5*day), {Name: old.Name, Digest: a, Start: ago(90 * day), End: ago(60 * day)}}, want: retention.Kept, why: "grace period", until: ago(-25 * day)},
		"a read-only repository":              {tags: []quay.Tag{old}, state: "READ_ONLY", want: retention.Kept, why: "the repository takes no changes: it is READ_ONLY"},
		"a team that is not known":            {tags: []quay.Tag{old}, miss: map[string]error{"team-a": errors.New("broken")}, want: retention.Unknown, why: "a branch could not be looked up"},
		"another team is not known":           {tags: []quay.Tag{old}, miss: map[string]error{"team-b": errors.New("broken")}, want: retention.LetGo},
		"nothing is known":                    {tags: []quay.Tag{old}, miss: map[string]error{"": errors.New("broken")}, want: retention.Unknown, why: "a branch could not be looked up"},
		"a child is needed":                   {tags: []quay.Tag{index(old)}, children: map[string][]quay.Child{a: {{Digest: c}, {Digest: b}}}, needs: map[string]string{b: "Pod x"}, want: retention.Kept, why: digest("b") + ", which is in it, is needed by Pod x"},
		"no child is needed":                  {tags: []quay.Tag{index(old)}, children: map[string][]quay.Child{a: {{Digest: c}, {Digest: b}}}, want: retention.LetGo},
		"a child's child is needed":           {tags: []quay.Tag{index(old)}, children: map[string][]quay.Child{a: {{Digest: c, Index: true}}, c: {{Digest: b}}}, needs: map[string]string{b: "Pod x"}, want: retention.Kept},
		"a child is listed as an image first": {tags: []quay.Tag{index(old)}, children: map[string][]quay.Child{a: {{Digest: c}, {Digest: c, Index: true}}, c: {{Digest: b}}}, needs: map[string]string{b: "Pod x"}, want: retention.Kept},
		"a needed index cannot be read":       {tags: []quay.Tag{old, index(tag("v1", b, 80*day, 0))}, children: map[string][]quay.Child{b: {{Digest: b, Index: true}}}, needs: map[string]string{b: "Pod x"}, want: retention.Unknown, why: "indexes are in one another"},
		"its index is needed":                 {tags: []quay.Tag{old, index(tag("v1", b, 80*day, 0))}, children: map[string][]quay.Child{b: {{Digest: a}}}, needs: map[string]string{b: "Pod x"}, want: retention.Kept, why: "index " + digest("b") + ", which Pod x needs"},
		"its index is not needed":             {tags: []quay.Tag{old, index(tag("v1", b, 80*day, 0))}, children: map[string][]quay.Child{b: {{Digest: a}}}, want: retention.LetGo},
		"an index that is in itself":          {tags: []quay.Tag{index(old)}, children: map[string][]quay.Child{a: {{Digest: a, Index: true}}}, want: retention.Unknown, why: "indexes are in one another"},
	} {
		q := fake(row.tags...)
		q.repositories[0].State = "NORMAL"
		if row.state != "" {
			q.repositories[0].State = row.state
		}
		q.children = row.children
		got, ok := outcomes(collect(t, q, true, &fakeSource{needs: row.needs, miss: row.miss}))[a]
		if !ok || got.Outcome != row.want || !strings.Contains(got.Why, row.why) || !got.Until.Equal(row.until) {
			t.Errorf("%s: %+v, want %s, %q until %s", name, got, row.want, row.why, row.until)
		}
		if changed := q.changed(); len(changed) > 0 {
			t.Errorf("%s: a dry run did %q", name, changed)
		}
	}
}

// Only digest-<32 hex> that points at the digest of its own name is an anchor; no other tag is touched, whatever its name.
func TestAnchorsAlone(t *testing.T) {
	a := digest("a")
	hex := strings.Repeat("a", 32)
	tags := []quay.Tag{anchor(a, 90*day)}
	for _, name := range []string{"digest-" + strings.Repeat("b", 32), "digest-" + hex + "a", "digest-" + hex[1:], "Digest-" + hex, "digest-" + strings.ToUpper(hex), "xdigest-" + hex,
		"digest-" + hex + "\n", "digest-", "main", "../digest-" + hex, "sha256-" + strings.Repeat("a", 64) + ".sig", "digest-" + hex + "/restore", ""} {
		tags = append(tags, quay.Tag{Name: name, Digest: digest("c"), Start: ago(90 * day)})
	}
	tags = append(tags, quay.Tag{Name: reference.Anchor(digest("d")), Digest: digest("e"), Start: ago(90 * day)},
		quay.Tag{Name: "digest-", Digest: "", Start: ago(90 * day)}, quay.Tag{Name: "digest-x", Digest: "sha256:x", Start: ago(90 * day)},
		quay.Tag{Name: reference.Anchor(digest("f")), Digest: digest("f"), Start: ago(90 * day), End: ago(day)})
	q := fake(tags...)
	r := collect(t, q, false, &fakeSource{})
	if len(r.Anchors) != 1 || r.Anchors[0].Digest != a || r.Anchors[0].Outcome != retention.LetGo || len(r.Gaps) != 0 {
		t.Fatalf("anchors %+v, gaps %v", r.Anchors, r.Gaps)
	}
	want := []string{"SetImmutable team-a/app digest-" + hex + " false", "DeleteTag team-a/app digest-" + hex}
	if got := q.changed(); !slices.Equal(got, want) {
		t.Errorf("it did %q", got)
	}
}

// What cannot be looked up keeps what may be needed there, and no more.
func TestGaps(t *testing.T) {
	down := errors.New("500")
	for name, row := range map[string]struct {
		fail    string
		foreign string
		sources []retention.Source
		gap     string
		left    []string
	}{
		"nothing fails":              {left: nil},
		"a team's organization":      {fail: "Organization team-a", gap: "organization team-a", left: []string{"team-a/app", "team-a/ui"}},
		"no right to see it":         {foreign: "team-a", gap: "organization team-a", left: []string{"team-a/app", "team-a/ui"}},
		"repositories of a team":     {fail: "Repositories team-a", gap: "organization team-a", left: []string{"team-a/app", "team-a/ui"}},
		"tags of a repository":       {fail: "Tags team-a/app", gap: "repository team-a/app", left: []string{"team-a/app"}},
		"an index":                   {fail: "Children team-a/ui " + digest("b"), gap: "repository team-a/ui", left: []string{"team-a/ui"}},
		"a cluster":                  {sources: []retention.Source{&fakeSource{lost: map[int]error{1: down}}}, gap: "cluster west", left: []string{"team-a/app", "team-a/ui", "team-b/app"}},
		"nobody was asked":           {sources: []retention.Source{}, gap: "what needs images", left: []string{"team-a/app", "team-a/ui", "team-b/app"}},
		"a team's branch":            {sources: []retention.Source{&fakeSource{miss: map[string]error{"team-a": down}}}, gap: "a branch", left: []string{"team-a/app", "team-a/ui"}},
		"a cluster, before deletion": {sources: []retention.Source{&fakeSource{lost: map[int]error{2: down}}}, gap: "cluster west", left: []string{"team-a/app", "team-a/ui", "team-b/app"}},
		"a cluster, afterwards":      {sources: []retention.Source{&fakeSource{lost: map[int]error{3: down}}}, gap: "cluster west", left: []string{"team-a/app", "team-a/ui", "team-b/app"}},
	} {
		q := fake(anchor(digest("a"), 90*day))
		q.repositories = append(q.repositories, quay.Repository{Organization: "team-a", Name: "ui"}, quay.Repository{Organization: "team-b", Name: "app"})
		index := anchor(digest("b"), 90*day)
		index.Index = true
		q.tags["team-a/ui"], q.tags["team-b/app"] = []quay.Tag{index}, []quay.Tag{anchor(digest("c"), 90*day)}
		q.foreign = row.foreign
		if row.fail != "" {
			q.fail[row.fail] = down
		}
		if row.sources == nil {
			row.sources = []retention.Source{&fakeSource{}}
		}
		r := retention.Collect(t.Context(), q, retention.Options{Organizations: []string{"team-a", "team-b", "team-a"}, Sources: row.sources, Grace: grace, Now: func() time.Time { return now }})
		var left []string
		for _, repository := range []string{"team-a/app", "team-a/ui", "team-b/app"} {
			for _, tag := range q.tags[repository] {
				if tag.End.IsZero() && tag.Immutable {
					left = append(left, repository)
				}
			}
		}
		if !slices.Equal(left, row.left) || (row.gap == "") != (len(r.Gaps) == 0) || row.gap != "" && r.Gaps[0].What != row.gap {
			t.Errorf("%s: left %q, gaps %v", name, left, r.Gaps)
		}
	}
}

// A context that ends leaves nothing half done: what was let go before it could be looked again is set again.
func TestStopped(t *testing.T) {
	q := fake(anchor(digest("a"), 90*day), anchor(digest("b"), 90*day))
	ctx, stop := context.WithCancel(t.Context())
	q.before = func(call string) {
		if strings.HasPrefix(call, "DeleteTag") {
			stop()
		}
	}
	r := retention.Collect(ctx, q, retention.Options{Organizations: []string{"team-a"}, Sources: []retention.Source{&fakeSource{}}, Grace: grace, Now: func() time.Time { return now }})
	for _, d := range []string{"a", "b"} {
		if tag := q.live("team-a/app", reference.Anchor(digest(d))); tag == nil || !tag.Immutable {
			t.Errorf("%s: %+v", d, tag)
		}
	}
	if r.Count(retention.LetGo) != 0 || len(r.Gaps) == 0 {
		t.Errorf("%+v", r)
	}
}

// The earlier of two clocks counts, so that no grace period is cut short.
func TestClocks(t *testing.T) {
	for name, clocks := range map[string]struct{ here, quay time.Time }{"alike": {now, now}, "quay's is behind": {ago(-100 * day), now}, "ours is behind": {now, ago(-100 * day)}, "quay does not say": {now, time.Time{}}} {
		q := fake(anchor(digest("a"), 29*day))
		q.clock = clocks.quay
		r := retention.Collect(t.Context(), q, retention.Options{Organizations: []string{"team-a"}, Sources: []retention.Source{&fakeSource{}}, Grace: grace, Now: func() time.Time { return clocks.here }})
		if len(r.Gaps) != 0 || r.Count(retention.Kept) != 1 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
