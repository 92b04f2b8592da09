package pushlog_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/pushlog"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// run is one that ended now and says that it set main to a digest.
func (s *scene) run(source pushlog.Source, digest string) *pushlog.Run {
	return &pushlog.Run{Push: pushlog.Push{Time: s.quay.Now(), Team: "payments", Repository: s.quay.Host() + "/team-payments/app", Digest: digest, Source: source},
		Begin: s.start, Tag: "main"}
}

// Somebody moves the tag after a run's push and before the run ends, so that his entry is the nearest to its end: it is listed all the same.
func TestTagMovedBeforeTheRunEnds(t *testing.T) {
	for _, source := range []pushlog.Source{pushlog.SourceController, pushlog.SourceTask} {
		s := newScene(t)
		a, first := s.image()
		b, second := s.image()
		s.push("ci", a, "main", reference.Anchor(first))
		s.push("ops", b, "main")
		s.quay.Advance(2 * time.Second)
		run := s.run(source, first)
		lines, list := s.read(s.start, map[string]string{"a": first, "b": second}, run)
		if diff := cmp.Diff([]string{"team-payments+ops b"}, lines); diff != "" || run.Who != "team-payments+ci" || len(list.Gaps) > 0 {
			t.Errorf("%s: the run was %q, gaps %v, pushes (-want +got):\n%s", source, run.Who, list.Gaps, diff)
		}
	}
}

// A run that says that it set the tag explains no push of another digest to it, and a task's none whose digest nobody knows.
func TestClaimExplainsNoPushByHand(t *testing.T) {
	for name, row := range map[string]struct {
		source  pushlog.Source
		unknown bool
		lines   []string
		who     string
	}{
		"a task":                   {pushlog.SourceTask, false, []string{"team-payments+ops b"}, ""},
		"the controller":           {pushlog.SourceController, false, []string{"team-payments+ops b"}, ""},
		"a task, unknown":          {pushlog.SourceTask, true, []string{"team-payments+ops ?"}, ""},
		"the controller's unknown": {pushlog.SourceController, true, nil, "team-payments+ops"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			_, first := s.image()
			b, second := s.image()
			s.push("ops", b, "main")
			run := s.run(row.source, first)
			r := pushlog.Reader{Quay: s.client, Host: s.quay.Host(), Since: s.start, Until: s.quay.Now()}
			if row.unknown {
				r.Quay = forgetful{s.client}
			}
			lines, _ := s.readWith(r, map[string]string{"a": first, "b": second}, run)
			if diff := cmp.Diff(row.lines, lines); diff != "" || run.Who != row.who {
				t.Errorf("the run was %q, pushes (-want +got):\n%s", run.Who, diff)
			}
		})
	}
}

// forgetful is a Quay that has forgotten what tags named.
type forgetful struct{ pushlog.Quay }

func (forgetful) Tags(context.Context, string, time.Time) ([]quay.Tag, error) { return nil, nil }

func (forgetful) TagLives(context.Context, string, string) ([]quay.Tag, error) { return nil, nil }

// Of a tag that was moved and put back within a second nobody knows which entry set it to what.
func TestPutBackWithinASecond(t *testing.T) {
	s := newScene(t)
	a, first := s.image()
	b, second := s.image()
	s.push("ci", a, "main")
	s.push("ops", b, "main")
	s.quay.Advance(-2 * time.Second)
	s.push("ops", a, "main")
	lines, _ := s.read(s.start, map[string]string{"a": first, "b": second})
	if diff := cmp.Diff([]string{"team-payments+ops ?", "team-payments+ops ?", "team-payments+ci a"}, lines); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
}

// written is a Quay with what is written there.
type written struct {
	pushes []quay.Push
	lives  []quay.Tag
}

func (w written) Pushes(context.Context, string, string, time.Time, time.Time) ([]quay.Push, error) {
	return w.pushes, nil
}

func (w written) Tags(_ context.Context, _ string, since time.Time) (found []quay.Tag, _ error) {
	for _, tag := range w.lives {
		if !tag.Start.Before(since) {
			found = append(found, tag)
		}
	}
	return found, nil
}

func (w written) TagLives(context.Context, string, string) ([]quay.Tag, error) { return w.lives, nil }

// A tag is set in the second of its entry or the one before. Two entries that near are not told apart where more than one digest fits.
func TestDigestOfAnEntry(t *testing.T) {
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for name, row := range map[string]struct {
		// lives are "digest start end", the newest first; entries are seconds, of ci, ops, and ci again.
		lives   []string
		entries []int
		want    string
	}{
		"moved":                              {[]string{"b 10 0", "a -9000 10"}, []int{10}, "b"},
		"moved, logged a second later":       {[]string{"b 10 0", "a -9000 10"}, []int{11}, "b"},
		"the same again":                     {[]string{"a -9000 0"}, []int{10}, "a"},
		"the same again, twice at once":      {[]string{"a -9000 0"}, []int{10, 10}, "a a"},
		"the same again, then gone":          {[]string{"a -9000 10"}, []int{11}, "a"},
		"moved three times":                  {[]string{"c 14 0", "b 12 14", "a 10 12"}, []int{14, 12, 10}, "c b a"},
		"new, and set again":                 {[]string{"a 10 0"}, []int{11, 10}, "a a"},
		"moved while set again":              {[]string{"b 10 0", "a -9000 10"}, []int{10, 10}, "? ?"},
		"moved while set again, a second on": {[]string{"b 10 0", "a -9000 10"}, []int{11, 10}, "? ?"},
		"set again, then moved":              {[]string{"b 11 0", "a -9000 11"}, []int{11, 10}, "b a"},
		"put back":                           {[]string{"a 10 0", "b 10 10", "a -9000 10"}, []int{10, 10}, "? ?"},
		"put back, a second on":              {[]string{"a 11 0", "b 10 11", "a -9000 10"}, []int{11, 10}, "? ?"},
		"put back by who leaves no entry":    {[]string{"a 10 0", "b 10 10", "a -9000 10"}, []int{10}, "?"},
		"put back later":                     {[]string{"a 12 0", "b 10 12", "a -9000 10"}, []int{12, 10}, "a b"},
		"forgotten":                          {[]string{"b 20 0"}, []int{10}, "?"},
		"ended before":                       {[]string{"a -9000 8"}, []int{10}, "?"},
	} {
		t.Run(name, func(t *testing.T) {
			w := written{}
			for _, text := range row.lives {
				var letter string
				var start, end int
				if _, err := fmt.Sscan(text, &letter, &start, &end); err != nil {
					t.Fatal(err)
				}
				tag := quay.Tag{Name: "main", Digest: "sha256:" + strings.Repeat(letter, 64), Start: noon.Add(time.Duration(start) * time.Second)}
				if end != 0 {
					tag.End = noon.Add(time.Duration(end) * time.Second)
				}
				w.lives = append(w.lives, tag)
			}
			for i, at := range row.entries {
				w.pushes = append(w.pushes, quay.Push{Repository: "team-payments/app", Tag: "main", Time: noon.Add(time.Duration(at) * time.Second), Robot: []string{"ci", "ops", "ci"}[i]})
			}
			r := pushlog.Reader{Quay: w, Host: "quay.example.com", Since: noon, Until: noon.Add(time.Hour)}
			var list pushlog.List
			if err := r.Read(t.Context(), "payments", "team-payments", nil, &list); err != nil || len(list.Gaps) > 0 {
				t.Fatal(err, list.Gaps)
			}
			found := []string{}
			for _, p := range list.Pushes {
				found = append(found, strings.TrimPrefix(p.Digest+"?", "sha256:")[:1])
			}
			if got := strings.Join(found, " "); got != row.want {
				t.Errorf("digests are %q, want %q", got, row.want)
			}
		})
	}
}

// kept is a Quay where tags, set long ago, were set again to what they had.
type kept struct {
	at time.Time
	// repositories is how many there are with tags tags each; asked counts the questions for one tag.
	repositories, tags, asked int
}

func (k *kept) Pushes(context.Context, string, string, time.Time, time.Time) (all []quay.Push, err error) {
	for i := range k.repositories {
		for j := range k.tags {
			all = append(all, quay.Push{Repository: fmt.Sprint("team-payments/", i), Tag: fmt.Sprint("t", j), Time: k.at, Robot: "team-payments+ci"})
		}
	}
	return all, nil
}

func (k *kept) Tags(context.Context, string, time.Time) ([]quay.Tag, error) { return nil, nil }

func (k *kept) TagLives(_ context.Context, _, tag string) ([]quay.Tag, error) {
	k.asked++
	return []quay.Tag{{Name: tag, Digest: "sha256:" + strings.Repeat("a", 64), Start: k.at.Add(-48 * time.Hour)}}, nil
}

// Quay is asked for the earlier lives of so many tags of a team and no more: the other pushes are listed without digest, and that is told.
func TestEarlierLivesAreBounded(t *testing.T) {
	for _, row := range []struct{ repositories, tags, asked, unknown int }{{1, 500, 500, 0}, {1, 501, 500, 1}, {3, 400, 500, 700}} {
		k := &kept{at: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), repositories: row.repositories, tags: row.tags}
		r := pushlog.Reader{Quay: k, Host: "quay.example.com", Since: k.at.Add(-time.Hour), Until: k.at}
		var list pushlog.List
		if err := r.Read(t.Context(), "payments", "team-payments", nil, &list); err != nil {
			t.Fatal(err)
		}
		unknown := 0
		for _, p := range list.Pushes {
			if p.Digest == "" {
				unknown++
			}
		}
		if k.asked != row.asked || unknown != row.unknown {
			t.Errorf("%+v: asked for %d tags, without digest are %d pushes", row, k.asked, unknown)
		}
		if row.unknown == 0 {
			if len(list.Gaps) > 0 {
				t.Errorf("%+v: gaps are %v", row, list.Gaps)
			}
			continue
		}
		want := fmt.Sprintf("there are more than 500 tags to be asked for one by one: %d were not; ask for a shorter time", row.unknown)
		if len(list.Gaps) != 1 || list.Gaps[0].What != `the digests of pushes to "team-payments"` || list.Gaps[0].Err.Error() != want {
			t.Errorf("%+v: gaps are %v", row, list.Gaps)
		}
	}
}
