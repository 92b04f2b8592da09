// Package pushlog lists pushes: who pushed what, by which rule, and where it is pinned, from the runs of the cluster and from Quay's
// log, which knows those too whose run is gone.
package pushlog

import (
	"cmp"
	"slices"
	"time"
)

// UnknownBytes is Push.Bytes where nobody says how much was sent. Nothing sent, since the registry had it all, is 0.
const UnknownBytes = -1

// Push is one push to a repository, or one that was refused or failed. What is not known is empty.
type Push struct {
	// Time is when it ended, to the second.
	Time time.Time
	// Team is without prefix. Of a run that was refused before a team was decided, it is the one whose namespace it is, else the one that
	// the run claims to be of.
	Team string
	// Namespace and Run are those of the PipelineRun; Run is a CustomRun or TaskRun where that has none. Both are empty where there is no
	// run any more, or never was.
	Namespace, Run string
	// Who is the robot or user that Quay's log names, such as team-payments+ci.
	Who string
	// Repository is host/organization/name, Digest sha256:<hex> of what was pushed. Of a refused run the repository is what it asked for.
	Repository, Digest string
	// Bytes is the size of the blobs that the registry lacked, or UnknownBytes. It is not the image's.
	Bytes int64
	// Rule is the one by which the controller decided on the team.
	Rule string
	// Refused is why nothing was pushed, reason and message, in a stranger's words; empty for a push.
	Refused string
	// Pinned are the branches that pin the digest, sorted, such as "branch main of gitops.git"; nil where none does, or nobody looked.
	Pinned []string
	// Source is where it was found, which says how far it can be trusted.
	Source Source
}

// Source is where a push was found.
type Source string

// The sources, the most trusted first.
const (
	// SourceController is a CustomRun, whose status the controller alone writes.
	SourceController Source = "controller"
	// SourceTask is a TaskRun that a pipeline made itself: digest, repository and bytes are what the team's steps say.
	SourceTask Source = "task"
	// SourceQuay is Quay's log alone: there is no run any more, or never was.
	SourceQuay Source = "quay"
)

// List is what was found, and what could not be read.
type List struct {
	// Pushes are the newest first, once Sort was called.
	Pushes []Push
	// Gaps are what could not be read: pushes may be missing, or lack what it would have said.
	Gaps []Gap
}

// Gap is something that could not be read.
type Gap struct {
	// What is what was to be read, such as "Quay's log of team-payments".
	What string
	// Err is why it was not.
	Err error
}

// Miss notes a gap.
func (l *List) Miss(what string, err error) { l.Gaps = append(l.Gaps, Gap{what, err}) }

// Sort orders the pushes: the newest first, those of one second by team, run and what was pushed.
func (l *List) Sort() {
	slices.SortStableFunc(l.Pushes, func(a, b Push) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.Team, b.Team), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Run, b.Run),
			cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Digest, b.Digest))
	})
}

// Digests lists what was pushed, each digest once, sorted.
func (l *List) Digests() []string {
	found := []string{}
	for _, p := range l.Pushes {
		if p.Digest != "" && p.Refused == "" {
			found = append(found, p.Digest)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
