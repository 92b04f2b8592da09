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
	// taken says that it is that of a run.
	taken bool
}

// match finds for each run the entries that it left, names who pushed, and returns those that no run left. A run leaves one entry for its
// tag and one for the anchor, so that it takes no other of the same tag: somebody else may have moved that meanwhile. host is the registry's.
func match(runs []*Run, pushes []quay.Push, host string) (rest []quay.Push) {
	entries := make([]entry, len(pushes))
	byTag := map[string][]*entry{}
	for i, p := range pushes {
		entries[i].Push = p
		key := host + "/" + p.Repository + ":" + p.Tag
		byTag[key] = append(byTag[key], &entries[i])
	}
	for _, run := range runs {
		if run.Refused != "" || run.Digest == "" {
			continue
		}
		for _, tag := range []string{run.Tag, reference.Anchor(run.Digest)} {
			if found := nearest(byTag[run.Repository+":"+tag], run); found != nil {
				found.taken, run.Who = true, found.Robot
			}
		}
	}
	for _, e := range entries {
		if !e.taken {
			rest = append(rest, e.Push)
		}
	}
	return rest
}

// nearest is the entry that was made closest to the end of the run, while that ran; nil if none was.
func nearest(entries []*entry, run *Run) (found *entry) {
	for _, e := range entries {
		if e.taken || e.Time.Before(run.Begin.Add(-clocks)) || e.Time.After(run.Time.Add(clocks)) {
			continue
		}
		if found == nil || run.Time.Sub(e.Time).Abs() < run.Time.Sub(found.Time).Abs() {
			found = e
		}
	}
	return found
}
