package gitops

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// Error is why an update failed, for a person.
type Error struct {
	// Problem is what is wrong, Proof what was seen, Next the next step.
	Problem, Proof, Next string
	// Err is the cause; its text is only in Proof, without the credential.
	Err error
	// usage says that the options are wrong.
	usage bool
}

// Error is problem, proof and next step in one line.
func (e *Error) Error() string {
	text := e.Problem
	if e.Proof != "" {
		text += ": " + e.Proof
	}
	return text + "; " + e.Next
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// LogFailure writes err, as Update returned it, as the last line of the log.
func LogFailure(log *slog.Logger, err error) {
	failure, refusal := (*Error)(nil), (*overlay.Refusal)(nil)
	switch {
	case errors.As(err, &refusal):
		log.Error(err.Error(), "reason", refusal.Reason, "next", refusal.Next)
	case errors.As(err, &failure):
		log.Error(failure.Problem, "proof", failure.Proof, "next", failure.Next)
	default:
		log.Error(err.Error())
	}
}

// ExitCode is the exit code for what Update returned: 0 for nil, 2 for wrong options, else 1.
func ExitCode(err error) int {
	failure := (*Error)(nil)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &failure) && failure.usage:
		return 2
	}
	return 1
}

// usageError is a wrong flag.
func usageError(format string, args ...any) error {
	return &Error{Problem: fmt.Sprintf(format, args...), Next: "see update-overlay -help", usage: true}
}
