package pushlog

import (
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// clocks is how far apart the clocks of Quay and of the cluster may be for an entry of Quay's log to be recognized as that of a run. Beyond
// that a push is listed twice, and never hidden.
const clocks = 2 * time.Minute

// Run is a push that a run of the cluster tells of.
type Run struct {
	Push
	// Begin is when the run began.
	Begin time.Time
	// Tag is the tag that it set beside the anchor; empty for none.
	Tag string
}

// entry is one of Quay's log: a tag that was set.
type entry struct {
	quay.Push
	// digest is what the tag was set to; empty where nobody knows.
	digest string
	// taken says that it is that of a run.
	taken bool
}

// match takes for each run the entries that it left, and names who pushed. A run leaves one entry for the anchor and one for its tag, so that
// it takes no other of the same tag: somebody else may have moved that meanwhile. host is the registry's.
func match(runs []*Run, entries []*entry, host string) {
	byTag := map[string][]*entry{}
	for _, e := range entries {
		key := host + "/" + e.Repository + ":" + e.Tag
		byTag[key] = append(byTag[key], e)
	}
	for _, run := range runs {
		if run.Refused != "" || run.Digest == "" {
			continue
		}
		for _, tag := range []string{reference.Anchor(run.Digest), run.Tag} {
			if found := nearest(byTag[run.Repository+":"+tag], run); found != nil {
				found.taken, run.Who = true, found.Robot
			}
		}
	}
}

// nearest is the entry that is the run's the most likely, of several such that which was made closest to its end; nil for none.
func nearest(entries []*entry, run *Run) (found *entry) {
	best := no
	for _, e := range entries {
		l := run.left(e)
		if l > best || l == best && l != no && run.Time.Sub(e.Time).Abs() < run.Time.Sub(found.Time).Abs() {
			found, best = e, l
		}
	}
	return found
}

// likely is how likely it is that an entry is a run's.
type likely int

const (
	no      likely = iota
	perhaps        // Nobody knows the digest.
	same           // It is the run's digest, set by another than its anchor.
	both           // It is the run's digest, and nothing says that it was somebody else.
)

// left reports whether a run left an entry. One of another digest it did not. One whose digest nobody knows only the controller's word can
// explain, and only if the run's anchor was not set by somebody else: a task that a team wrote could explain any push away.
func (run *Run) left(e *entry) likely {
	other := run.Who != "" && e.Robot != run.Who
	switch {
	case e.taken || e.Time.Before(run.Begin.Add(-clocks)) || e.Time.After(run.Time.Add(clocks)):
		return no
	case e.digest == "" && run.Source == SourceController && !other:
		return perhaps
	case e.digest != run.Digest:
		return no
	case other:
		return same
	}
	return both
}
