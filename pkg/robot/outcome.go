package robot

import "time"

// Outcome is what became of one team.
type Outcome string

// The outcomes.
const (
	// OutcomeRotated: it has a new credential. OutcomeResumed: a rotation that was left undone is finished, and none was begun.
	OutcomeRotated Outcome = "rotated"
	OutcomeResumed Outcome = "resumed"
	// OutcomeKept: its credential is younger than asked for, and nothing was left undone.
	OutcomeKept Outcome = "kept"
	// OutcomeDue and OutcomeUnfinished: without DryRun it would be rotated, or its rotation finished.
	OutcomeDue        Outcome = "due"
	OutcomeUnfinished Outcome = "unfinished"
	// OutcomeWaiting: its time was up, mostly as its runs had not ended. The next run goes on.
	OutcomeWaiting Outcome = "waiting"
	// OutcomeBusy: somebody else works on its credential.
	OutcomeBusy Outcome = "busy"
	// OutcomeStopped: the caller stopped it on the way. The next run goes on.
	OutcomeStopped Outcome = "stopped"
	// OutcomeFailed: its error says why.
	OutcomeFailed Outcome = "failed"
	// OutcomeNotBegun: everything was stopped before.
	OutcomeNotBegun Outcome = "not-begun"
)

// Outcomes are all outcomes, in the order in which they are told.
var Outcomes = []Outcome{OutcomeRotated, OutcomeResumed, OutcomeKept, OutcomeDue, OutcomeUnfinished, OutcomeWaiting, OutcomeBusy, OutcomeStopped,
	OutcomeFailed, OutcomeNotBegun}

// TeamRotation is what became of one team in RotateAll.
type TeamRotation struct {
	Team    string
	Outcome Outcome
	// Robot is the robot in use now; empty where that was not seen.
	Robot string
	// Written is when the credential was written to Vault that was in use at the beginning, or, of a keyless team, when its robot was made;
	// zero where nobody said.
	Written time.Time
	// Err is why it was not rotated; nil if it was, or did not have to be.
	Err error
}
