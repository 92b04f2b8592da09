package retention

import (
	"context"
	"slices"
	"time"
)

// Pins finds which branches and tags pin each of the digests now, sha256:<64 hex>: those that render it, and one of those that have a file
// with it which none renders. They are sorted, such as "branch main of gitops.git". now is the time of the look. Gaps are what could not be
// read, where a digest may be pinned, too.
func (g *Git) Pins(ctx context.Context, digests []string, now time.Time) (map[string][]string, []Gap) {
	d := Demand{all: map[string][]string{}}
	for _, digest := range digests {
		d.all[digest] = nil
	}
	s, all, err := g.read(ctx, now)
	if err != nil {
		d.Miss("", g.Reader.URL(), err)
		return nil, d.gaps
	}
	defer s.Close()
	if all != nil {
		d.Miss("", g.Reader.URL(), all)
	}
	l := gitLook{git: g, snapshot: s, demand: &d, contents: &contents{}}
	l.refs(ctx, s.Refs(), d.Miss)
	for digest, by := range d.all {
		if len(by) == 0 {
			delete(d.all, digest)
		}
		slices.Sort(by)
	}
	return d.all, d.gaps
}
