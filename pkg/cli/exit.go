package cli

import (
	"context"
	"errors"
	"fmt"

	apierrs "k8s.io/apimachinery/pkg/api/errors"

	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// Exit is an exit code. docs/cli.md has the same table, and a test compares the two.
type Exit int

// The exit codes. Those from 20 on are what verify found: a row of docs/failure-modes.md each.
const (
	ExitOK        Exit = 0
	ExitFailure   Exit = 1
	ExitUsage     Exit = 2
	ExitRefused   Exit = 3
	ExitMissing   Exit = 4
	ExitDrift     Exit = 5
	ExitConflict  Exit = 6
	ExitNoRight   Exit = 7
	ExitTimeout   Exit = 8
	ExitCancelled Exit = 9
	ExitFindings  Exit = 10
	ExitNotRead   Exit = 11

	ExitUnauthorized Exit = 20
	ExitNotReady     Exit = 21
	ExitStronger     Exit = 22
	ExitShared       Exit = 23
	ExitLeaked       Exit = 24
)

// Exits lists every exit code with its name.
var Exits = []struct {
	Exit Exit
	Name string
}{
	{ExitOK, "ok"}, {ExitFailure, "failure"}, {ExitUsage, "usage"}, {ExitRefused, "refused"}, {ExitMissing, "missing"}, {ExitDrift, "drift"},
	{ExitConflict, "conflict"}, {ExitNoRight, "no-right"}, {ExitTimeout, "timeout"}, {ExitCancelled, "cancelled"}, {ExitFindings, "findings"}, {ExitNotRead, "not-read"},
	{ExitUnauthorized, "unauthorized"}, {ExitNotReady, "not-ready"}, {ExitStronger, "stronger-credential"}, {ExitShared, "shared"}, {ExitLeaked, "leaked"},
}

// byReason are the exit codes of robot's errors.
var byReason = map[robot.Reason]Exit{
	robot.ReasonRefused: ExitRefused, robot.ReasonMissing: ExitMissing, robot.ReasonDrift: ExitDrift,
	robot.ReasonConflict: ExitConflict, robot.ReasonNoRight: ExitNoRight, robot.ReasonTimeout: ExitTimeout,
}

// bySymptom are the exit codes of verify.
var bySymptom = map[robot.Symptom]Exit{
	robot.SymptomShared: ExitShared, robot.SymptomLeaked: ExitLeaked, robot.SymptomUnauthorized: ExitUnauthorized,
	robot.SymptomNotReady: ExitNotReady, robot.SymptomStronger: ExitStronger,
}

// failure is an error with an exit code and a next step of its own.
type failure struct {
	exit          Exit
	problem, next string
}

func (e *failure) Error() string {
	if e.next == "" {
		return e.problem
	}
	return e.problem + "; " + e.next
}

// usagef is a wrong argument or flag.
func usagef(next, format string, args ...any) error {
	return &failure{ExitUsage, fmt.Sprintf(format, args...), next}
}

// exitOf is the exit code for what a command returned.
func exitOf(ctx context.Context, err error) Exit {
	var own *failure
	var domain *robot.Error
	var refusal *overlay.Refusal
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &own):
		return own.exit
	case blocked(err) && ctx.Err() == nil:
		return ExitNoRight
	case errors.As(err, &domain) && byReason[domain.Reason] != 0 && !errors.Is(err, context.Canceled):
		return byReason[domain.Reason]
	case errors.As(err, &refusal):
		return ExitRefused
	case ctx.Err() != nil:
		return ExitCancelled
	case errors.Is(err, context.DeadlineExceeded):
		return ExitTimeout
	case quay.IsUnauthorized(err), quay.IsForbidden(err), errors.Is(err, vault.ErrDenied), apierrs.IsForbidden(err), apierrs.IsUnauthorized(err):
		return ExitNoRight
	case errors.Is(err, vault.ErrConflict):
		return ExitConflict
	}
	return ExitFailure
}

// blocked reports whether something else than Quay or Vault answered: whatever was being done, that is what is wrong.
func blocked(err error) bool { return quay.IsBlocked(err) || errors.Is(err, vault.ErrBlocked) }

// exitOfReports is the exit code for reports of which not every check passed.
func exitOfReports(reports []robot.Report) Exit {
	found := map[robot.Symptom]bool{}
	for _, r := range reports {
		for _, c := range r.Checks {
			if c.Status == robot.Failed {
				found[c.Symptom] = true
			}
		}
	}
	for _, symptom := range robot.WorstFirst {
		if found[symptom] {
			return bySymptom[symptom]
		}
	}
	return ExitFindings
}
