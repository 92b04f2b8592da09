package retention

import (
	"errors"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

var errUnrelated = errors.New("it names no digest of any tag that was looked at, so that it may be another repository than the one that pins the images: see whether --gitops is right; if it is, give --allow-unrelated")

// unrelated finds the GitOps repositories that name no digest which a tag of the repositories of Quay has or had: such as a wrong one, which
// can be read all the same. For each there is a gap.
func unrelated(demand *Demand, tags [][]quay.Tag) (gaps []Gap) {
	for _, d := range demand.named {
		if !d.namesAny(tags) && d.gap("") == nil {
			gaps = append(gaps, Gap{What: d.repository, Err: errUnrelated})
		}
	}
	return gaps
}

// namesAny reports whether it needs what any of the tags has or had.
func (d *Demand) namesAny(tags [][]quay.Tag) bool {
	for _, list := range tags {
		for _, t := range list {
			if d.By(t.Digest) != "" {
				return true
			}
		}
	}
	return false
}

// stay has all anchors stay that were to be let go, for gaps.
func stay(anchors []Anchor, gaps []Gap) {
	for i := range anchors {
		if a := &anchors[i]; a.Outcome == LetGo && len(gaps) > 0 {
			a.Outcome, a.Why = Unknown, gaps[0].What+" names no image that was looked at"
		}
	}
}
