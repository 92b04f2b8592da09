package retention

import (
	"fmt"
	"slices"
	"time"

	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/quay"
)

// ForecastIn tells what Forecast does, and of a digest that no tag keeps for good what becomes of the indexes that list it: Quay keeps it as
// long as one of them. children are what an index lists; it is asked once of each. The error is its, or that there is too much in one.
func ForecastIn(tags []quay.Tag, digest string, house House, now time.Time, children func(index string) ([]quay.Child, error)) (overlay.Fate, error) {
	best := Forecast(tags, digest, house, now)
	kept := alive(tags, digest, now)
	looked := map[string]bool{digest: true}
	w := walker{children: children}
	for _, t := range tags {
		if len(best.Tags) > 0 {
			break
		}
		if !t.Index || !t.Lives(now) || looked[t.Digest] {
			continue
		}
		looked[t.Digest] = true
		listed := false
		if err := w.each(t.Digest, func(child string) { listed = listed || child == digest }); err != nil {
			return overlay.Fate{}, err
		}
		if !listed {
			continue
		}
		fate := Forecast(tags, t.Digest, house, now)
		if fate.How != "" {
			fate.How = fmt.Sprintf("it is in the index %s: %s", t.Digest, fate.How)
		}
		if !kept || longer(fate, best) {
			best = fate
		}
		kept = true
	}
	return best, nil
}

// alive reports whether a tag names a digest now.
func alive(tags []quay.Tag, digest string, now time.Time) bool {
	return slices.ContainsFunc(tags, func(t quay.Tag) bool { return t.Digest == digest && t.Lives(now) })
}

// longer reports whether a digest lives longer by a than by b: for good, or until a push that nobody knows the time of, or to a later time.
func longer(a, b overlay.Fate) bool {
	switch {
	case len(a.Tags) > 0 || len(b.Tags) > 0:
		return len(a.Tags) > 0
	case a.Dies.IsZero() || b.Dies.IsZero():
		return a.Dies.IsZero() && !b.Dies.IsZero()
	}
	return a.Dies.After(b.Dies)
}
