// Package pushlog lists pushes: who pushed what, by which rule, and where it is pinned, from the runs in the cluster and from
// Quay's log of what has no run any more.
package pushlog

import "time"

// UnknownBytes is Push.Bytes where nobody says how much was sent. Nothing sent, since the registry had it all, is 0.
const UnknownBytes = -1

// Push is one push to a repository, or one that was refused. What is not known is empty.
type Push struct {
	// Time is when it ended, to the second.
	Time time.Time
	// Team is without prefix. Of a refused run for which no team was decided it is the namespace's, else what the run claims.
	Team string
	// Namespace and Run are those of the PipelineRun, or of the CustomRun or TaskRun where that has none; empty once they were pruned.
	Namespace, Run string
	// Who is the robot or user as Quay's log has it, such as team-payments+ci.
	Who string
	// Repository is host/organization/name, Digest sha256:<hex> of what was pushed.
	Repository, Digest string
	// Bytes is the size of the blobs that the registry lacked, or UnknownBytes.
	Bytes int64
	// Rule is the one by which the controller decided on the team.
	Rule string
	// Refused is why nothing was pushed: reason and message, as they stand in the cluster. They are a stranger's words.
	Refused string
	// Pinned are the branches that pin the digest, sorted; nil where none does, or nobody looked.
	Pinned []string
	// Source is where the push was found.
	Source Source
}

// Source is where a push was found.
type Source string

// The sources, the most trusted first.
const (
	// SourceController is a CustomRun, whose status only the controller writes.
	SourceController Source = "controller"
	// SourceTask is a TaskRun of the team's own pipeline, whose results are the team's claim.
	SourceTask Source = "task"
	// SourceQuay is Quay's log alone: there is no run, or none any more.
	SourceQuay Source = "quay"
)

// List is what was found, and what could not be read.
type List struct {
	// Pushes are the newest first.
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
