package gitops

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

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
		// What was being done is in the error's text alone, the next step in an attribute of its own.
		log.Error(strings.TrimSuffix(err.Error(), "; "+refusal.Next), "reason", refusal.Reason, "next", refusal.Next)
	case errors.As(err, &failure) && failure.Proof == "":
		log.Error(failure.Problem, "next", failure.Next)
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
func usageError(next, format string, args ...any) error {
	return &Error{Problem: fmt.Sprintf(format, args...), Next: next, usage: true}
}

// damagedError is what makes no sense in a repository.
func damagedError(problem string, err error) error {
	return &Error{Problem: problem, Proof: clean(err.Error()), Next: "run git fsck in the repository: it is damaged", Err: err}
}
