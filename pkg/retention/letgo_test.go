package retention_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/retention"
)

// What happens between the look and the end of an anchor, and what fails there.
func TestRaces(t *testing.T) {
	a := digest("a")
	name := reference.Anchor(a)
	at := "team-a/app " + name
	down := errors.New("500")
	push := func(q *fakeQuay, immutable bool) {
		if t := q.live("team-a/app", name); t != nil {
			t.End = now
		}
		q.tags["team-a/app"] = append(q.tags["team-a/app"], quay.Tag{Name: name, Digest: a, Start: now, Immutable: immutable})
	}
	move := func(q *fakeQuay, tag string) {
		q.tags["team-a/app"] = append(q.tags["team-a/app"], quay.Tag{Name: tag, Digest: a, Start: now})
	}
	late := "LateTags team-a/app"
	for title, row := range map[string]struct {
		source  *fakeSource
		mutable bool
		fail    map[string]error
		// during is done when a call begins.
		during map[string]func(q *fakeQuay)
		want   retention.Outcome
		why    string
		// calm says that nothing is changed, not even for a moment.
		calm bool
		// lives says that the anchor is there at the end, as immutable as before.
		lives bool
	}{
		"nothing happens":                  {want: retention.LetGo},
		"nothing happens to a mutable one": {mutable: true, want: retention.LetGo},
		"a branch pins it before":          {source: &fakeSource{later: map[int]map[string]string{2: {a: "branch x"}}}, want: retention.Kept, why: "branch x", calm: true, lives: true},
		"a branch pins it afterwards":      {source: &fakeSource{later: map[int]map[string]string{3: {a: "branch x"}}}, want: retention.Kept, why: "branch x, since a moment ago; it had been let go, and was set again", lives: true},
		"and that of a mutable one":        {mutable: true, source: &fakeSource{later: map[int]map[string]string{3: {a: "branch x"}}}, want: retention.Kept, lives: true},
		"a cluster is lost afterwards":     {source: &fakeSource{lost: map[int]error{3: down}}, want: retention.Unknown, why: "cluster west could not be looked up again; it had been let go", lives: true},
		"it cannot be set again":           {source: &fakeSource{later: map[int]map[string]string{3: {a: "branch x"}}}, fail: map[string]error{"RestoreTag " + at + " " + a: down}, want: retention.Failed, why: "could not be set again: 500"},
		"it was pushed before":             {during: map[string]func(*fakeQuay){late: func(q *fakeQuay) { push(q, true) }}, want: retention.Kept, why: "it was pushed a moment ago", calm: true, lives: true},
		"another tag was pushed before":    {during: map[string]func(*fakeQuay){late: func(q *fakeQuay) { move(q, "main") }}, want: retention.Kept, why: "it was pushed a moment ago", calm: true, lives: true},
		"another tag is pushed meanwhile":  {during: map[string]func(*fakeQuay){"DeleteTag " + at: func(q *fakeQuay) { move(q, "main") }}, want: retention.Kept, why: "it was pushed a moment ago; it had been let go, and was set again", lives: true},
		"and by a clock that is behind": {during: map[string]func(*fakeQuay){late: func(q *fakeQuay) {
			q.tags["team-a/app"] = append(q.tags["team-a/app"], quay.Tag{Name: "main", Digest: a, Start: ago(30 * time.Second)})
		}}, want: retention.Kept, why: "it was pushed a moment ago", calm: true, lives: true},
		"it cannot be looked at afterwards": {during: map[string]func(*fakeQuay){"DeleteTag " + at: func(q *fakeQuay) { q.fail = map[string]error{late: down} }},
			want: retention.Kept, why: "; it had been let go, and was set again", lives: true},
		"it is set to another digest meanwhile": {source: &fakeSource{later: map[int]map[string]string{3: {a: "branch x"}}},
			during: map[string]func(*fakeQuay){"RestoreTag " + at + " " + a: func(q *fakeQuay) {
				q.tags["team-a/app"] = append(q.tags["team-a/app"], quay.Tag{Name: name, Digest: digest("b"), Start: now.Add(time.Second)})
			}}, want: retention.Failed, why: "could not be set again: 409"},
		"it cannot be set again, and not be looked at": {source: &fakeSource{later: map[int]map[string]string{3: {a: "branch x"}}},
			fail: map[string]error{"RestoreTag " + at + " " + a: down, "TagLives " + at: down}, want: retention.Failed, why: "could not be set again: 500"},
		"it is set again, and cannot be fixed": {source: &fakeSource{later: map[int]map[string]string{3: {a: "branch x"}}}, fail: map[string]error{"SetImmutable " + at + " true": down},
			want: retention.Failed, why: "it is kept (branch x, since a moment ago; it had been let go, and was set again), and not immutable any more: 500"},
		"it was deleted before":         {during: map[string]func(*fakeQuay){late: func(q *fakeQuay) { q.live("team-a/app", name).End = now }}, want: retention.LetGo},
		"it is pushed, and immutable":   {during: map[string]func(*fakeQuay){"DeleteTag " + at: func(q *fakeQuay) { push(q, true) }}, want: retention.Failed, why: "409", lives: true},
		"it is pushed, and mutable":     {during: map[string]func(*fakeQuay){"DeleteTag " + at: func(q *fakeQuay) { push(q, false) }}, want: retention.Kept, why: "it was pushed a moment ago; it had been let go", lives: true},
		"it cannot be freed":            {fail: map[string]error{"SetImmutable " + at + " false": down}, want: retention.Failed, why: "500", lives: true},
		"it cannot be deleted":          {fail: map[string]error{"DeleteTag " + at: down}, want: retention.Failed, why: "500", lives: true},
		"nor be fixed again":            {fail: map[string]error{"DeleteTag " + at: down, "SetImmutable " + at + " true": errors.New("503")}, want: retention.Failed, why: "500; and it is not immutable any more, since that could not be set back: 503"},
		"its deletion's answer is lost": {fail: map[string]error{"DeleteTag " + at: down}, during: map[string]func(*fakeQuay){"DeleteTag " + at: func(q *fakeQuay) { q.live("team-a/app", name).End = now }}, want: retention.LetGo},
		"it cannot be looked at":        {fail: map[string]error{late: down}, want: retention.Failed, why: "500", calm: true, lives: true},
	} {
		tag := anchor(a, 90*day)
		tag.Immutable = !row.mutable
		q := fake(tag)
		q.fail = row.fail
		q.before = func(call string) {
			if do := row.during[call]; do != nil {
				delete(row.during, call)
				do(q)
			}
		}
		if row.source == nil {
			row.source = &fakeSource{}
		}
		got := outcomes(collect(t, q, false, row.source))[a]
		if got.Outcome != row.want || !strings.Contains(got.Why, row.why) {
			t.Errorf("%s: %s, %q", title, got.Outcome, got.Why)
		}
		if changed := q.changed(); row.calm && len(changed) > 0 {
			t.Errorf("%s: it did %q", title, changed)
		}
		left := q.live("team-a/app", name)
		if lives := left != nil && left.Immutable == !row.mutable; lives != row.lives {
			t.Errorf("%s: at the end the anchor is %+v; calls %q", title, left, q.changed())
		}
	}
}

// What comes to need an image while its index is let go keeps the index.
func TestRacesOfAnIndex(t *testing.T) {
	for look, why := range map[int]string{2: "Pod x, since a moment ago", 3: "Pod x, since a moment ago; it had been let go, and was set again"} {
		index := anchor(digest("a"), 90*day)
		index.Index = true
		q := fake(index)
		q.children[digest("a")] = []quay.Child{{Digest: digest("b")}}
		got := outcomes(collect(t, q, false, &fakeSource{later: map[int]map[string]string{look: {digest("b"): "Pod x"}}}))[digest("a")]
		if left := q.live("team-a/app", index.Name); got.Outcome != retention.Kept || got.Why != why || left == nil || !left.Immutable {
			t.Errorf("look %d: %+v, at the end %+v", look, got, left)
		}
	}
}

// Many anchors go some at a time, and before and after each of those it is looked again.
func TestMany(t *testing.T) {
	var tags []quay.Tag
	for i := range 120 {
		tags = append(tags, anchor(fmt.Sprintf("sha256:%032x%032x", i+1, 0), 90*day))
	}
	q, source := fake(tags...), &fakeSource{later: map[int]map[string]string{3: {tags[10].Digest: "branch early", tags[60].Digest: "branch late"}}}
	r := collect(t, q, false, source)
	if n := r.Count(retention.LetGo); n != 118 || source.looks != 5 {
		t.Errorf("%d were let go, in %d looks", n, source.looks)
	}
	got := outcomes(r)
	if early, late := got[tags[10].Digest], got[tags[60].Digest]; early.Outcome != retention.Kept || !strings.Contains(early.Why, "set again") || late.Outcome != retention.Kept || strings.Contains(late.Why, "set again") {
		t.Errorf("early %+v, late %+v", early, late)
	}
}
