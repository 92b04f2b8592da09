package failure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// Error is why a push failed, for a person and for a program.
type Error struct {
	// Class says what kind of failure it is.
	Class Class
	// Problem is what is wrong, in one clause.
	Problem string
	// Proof is what was seen, such as a request and its answer; it may be empty.
	Proof string
	// Next is the next step.
	Next string
	// Err is the cause; it may be nil. Its text is a part of Error only if Proof is empty.
	Err error
}

// Error is the class's id and name, the problem, the proof and the next step in one line.
func (e *Error) Error() string {
	text := e.Class.ID + " " + e.Class.Name + ": " + e.Problem
	if e.Proof != "" {
		text += ": " + e.Proof
	} else if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Next != "" {
		text += "; " + e.Next
	}
	return text
}

// Then gives e another next step.
func (e *Error) Then(next string) *Error {
	e.Next = next
	return e
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// set says what is wrong, and what to do.
func (e *Error) set(class Class, next, format string, args ...any) {
	e.Class, e.Next, e.Problem = class, next, fmt.Sprintf(format, args...)
}

// Log writes err, as Push returned it, as the last line of the log: the problem, with the class and the rest as
// fields.
func Log(log *slog.Logger, err error) {
	e := Of(err)
	proof := e.Proof
	if proof == "" && e.Err != nil {
		proof = e.Err.Error()
	}
	log.Error(e.Problem, "id", e.Class.ID, "class", e.Class.Name, "exit", e.Class.Exit, "proof", proof, "next", e.Next)
}

// ExitCode is the exit code for what Push returned: 0 for nil, else the class's.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	return Of(err).Class.Exit
}

// Of finds the Error in err; any other error is an internal one.
func Of(err error) *Error {
	if failure := (*Error)(nil); errors.As(err, &failure) {
		return failure
	}
	return &Error{Class: ClassInternal, Problem: "pushing failed", Err: err}
}

// Usage is a wrong flag.
func Usage(format string, args ...any) *Error {
	return &Error{Class: ClassUsage, Problem: fmt.Sprintf(format, args...), Next: "correct the flag, or the param of the Task that sets it"}
}

// Ended explains an error that came with the end of ctx; any other error it returns as it is.
func Ended(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case cause == nil || err == nil:
		return err
	case errors.Is(cause, context.DeadlineExceeded):
		return &Error{Class: ClassTimeout, Problem: "the push took longer than --timeout", Err: err,
			Next: "run it again: what is in the registry is not sent twice; a large image may need a longer --timeout"}
	default:
		return &Error{Class: ClassCancelled, Problem: "the push was cancelled", Err: cause,
			Next: "run it again: what is in the registry is not sent twice"}
	}
}
