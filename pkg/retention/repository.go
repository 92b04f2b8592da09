package retention

import (
	"context"
	"fmt"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// repository is one repository of Quay, as it is judged.
type repository struct {
	quay.Repository
	q      Quay
	demand *Demand
	now    time.Time
	grace  time.Duration
	tags   []quay.Tag
	// below are digests that an index lists which somebody needs, with who does.
	below map[string]string
	walker
}

// judge reads the repository's tags, and decides on its anchors. The error is that something in it could not be looked up.
func (r *repository) judge(ctx context.Context) ([]Anchor, error) {
	var err error
	if r.tags, err = r.q.Tags(ctx, r.Path(), time.Time{}); err != nil {
		return nil, err
	}
	var anchors []Anchor
	for _, t := range r.tags {
		if isAnchor(t) && t.Lives(r.now) {
			anchors = append(anchors, Anchor{Repository: r.Path(), Tag: t.Name, Digest: t.Digest, Set: t.Start, immutable: t.Immutable, end: t.End})
		}
	}
	r.children = func(index string) ([]quay.Child, error) { return r.q.Children(ctx, r.Path(), index) }
	if err := r.lookBelow(); err != nil {
		return r.unknown(anchors, err), err
	}
	for i := range anchors {
		if err := r.decide(&anchors[i]); err != nil {
			return r.unknown(anchors, err), err
		}
	}
	return anchors, nil
}

// unknown has all anchors stay.
func (r *repository) unknown(anchors []Anchor, err error) []Anchor {
	for i := range anchors {
		anchors[i].Outcome, anchors[i].Why, anchors[i].Until = Unknown, err.Error(), time.Time{}
	}
	return anchors
}

// lookBelow notes what indexes list that somebody needs.
func (r *repository) lookBelow() error {
	r.below = map[string]string{}
	looked := map[string]bool{}
	for _, t := range r.tags {
		who := r.demand.By(t.Digest)
		if !t.Index || who == "" || !t.Lives(r.now) || looked[t.Digest] || r.below[t.Digest] != "" {
			continue
		}
		looked[t.Digest] = true
		why := fmt.Sprintf("index %s, which %s needs", t.Digest, who)
		err := r.each(t.Digest, func(digest string) {
			if r.below[digest] == "" {
				r.below[digest] = why
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// decide decides on one anchor.
func (r *repository) decide(a *Anchor) error {
	a.Outcome = Kept
	if gap := r.demand.gap(r.Organization); gap != nil {
		a.Outcome, a.Why = Unknown, gap.What+" could not be looked up"
		return nil
	}
	if who := r.demand.By(a.Digest); who != "" {
		a.Why = who
		return nil
	}
	if who := r.below[a.Digest]; who != "" {
		a.Why = who
		return nil
	}
	index := false
	last := a.Set
	for _, t := range r.tags {
		switch {
		case t.Digest != a.Digest:
		case t.Name != a.Tag && t.Lives(r.now):
			// Without it the anchor would keep the digest alone, and this tag may move. There is no room to be had by letting it go.
			a.Why = "tag " + t.Name
			return nil
		case !t.Lives(r.now) && t.End.After(last):
			last = t.End
		}
		index = index || t.Digest == a.Digest && t.Index
	}
	if end := last.Add(r.grace); r.now.Before(end) {
		a.Why, a.Until = "grace period, since "+last.Format(time.RFC3339), end
		return nil
	}
	if index {
		var children []string
		err := r.each(a.Digest, func(digest string) {
			children = append(children, digest)
			if who := r.demand.By(digest); who != "" && a.Why == "" {
				a.Why = fmt.Sprintf("%s, which is in it, is needed by %s", digest, who)
			}
		})
		if err != nil || a.Why != "" {
			return err
		}
		a.children = children
	}
	if r.State != "" && r.State != "NORMAL" {
		a.Why = "the repository takes no changes: it is " + r.State
		return nil
	}
	a.Outcome, a.Why = LetGo, "nothing has needed it since "+last.Format(time.RFC3339)
	return nil
}
