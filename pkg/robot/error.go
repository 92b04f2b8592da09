package robot

// Reason is the kind of a failure, for a program.
type Reason string

// The reasons of an Error.
const (
	// ReasonRefused: going on would give a right or a credential to the wrong team.
	ReasonRefused Reason = "Refused"
	// ReasonMissing: something that somebody else makes does not exist.
	ReasonMissing Reason = "Missing"
	// ReasonDrift: Quay, Vault and the cluster do not agree.
	ReasonDrift Reason = "Drift"
	// ReasonConflict: somebody else worked on the same credential at the same time.
	ReasonConflict Reason = "Conflict"
	// ReasonNoRight: the robot cannot do what it was given, or the caller's own token does not suffice.
	ReasonNoRight Reason = "NoRight"
	// ReasonTimeout: the time ended while something was waited for.
	ReasonTimeout Reason = "Timeout"
)

// nextConflict is the next step where Vault has something else than was written.
const nextConflict = "see who else works on this team's credential, then run it again"

// nextElse is the next step where somebody else works on the team.
const nextElse = "see who else works on this team, then run it again"

// Error is why an operation stopped, for a person and for a program.
type Error struct {
	Reason Reason
	// Problem is what is wrong, Next the next step.
	Problem, Next string
	// Err is the cause; it may be nil.
	Err error
}

// Error is the problem, the cause and the next step in one line.
func (e *Error) Error() string {
	text := e.Problem
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text + "; " + e.Next
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
