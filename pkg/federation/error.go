package federation

import (
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Cause is what an exchange failed of.
type Cause string

// The causes.
const (
	// CauseRobot and CauseToken are what was given: no name of a robot, no token that Quay can read.
	CauseRobot Cause = "not-a-robot"
	CauseToken Cause = "not-a-token"
	// CauseAlgorithm is a token that is signed in a way which Quay does not take, such as ES256.
	CauseAlgorithm Cause = "algorithm"
	// CauseNoRobot is a robot that Quay does not have, CauseNoFederation one that trusts no issuer.
	CauseNoRobot      Cause = "no-robot"
	CauseNoFederation Cause = "no-federation"
	// CauseIssuer, CauseSubject and CauseAudience are claims that the robot does not trust.
	CauseIssuer   Cause = "issuer-unknown"
	CauseSubject  Cause = "subject-differs"
	CauseAudience Cause = "audience-differs"
	// CauseExpired is a token whose time is over, CauseClock one whose time has not come.
	CauseExpired Cause = "expired"
	CauseClock   Cause = "not-yet-valid"
	// CauseSignature is a signature that is not by the issuer's key of that name.
	CauseSignature Cause = "signature"
	// CauseIssuerDocument is an issuer whose discovery document names another, CauseUnverified a Quay that failed to verify the token,
	// mostly for it cannot reach the issuer.
	CauseIssuerDocument Cause = "issuer-document"
	CauseUnverified     Cause = "unverified"
	// CauseRefused is a refusal for another reason.
	CauseRefused Cause = "refused"
	// CauseTooOld is a Quay before 3.13, or something that is no Quay; CauseForeign an answer that Quay does not give.
	CauseTooOld  Cause = "no-exchange"
	CauseForeign Cause = "foreign"
	// CauseUnreachable is a Quay that does not answer, CauseAway one that its proxy does not reach, CauseBusy one that asks to wait.
	CauseUnreachable Cause = "quay-unreachable"
	CauseAway        Cause = "quay-away"
	CauseBusy        Cause = "quay-busy"
	// CauseCertificate is a Quay whose certificate is not trusted here, CauseProxy a proxy that does not let the request through.
	CauseCertificate Cause = "certificate"
	CauseProxy       Cause = "proxy"
)

// Error is why an exchange failed. None of its texts has a token in it.
type Error struct {
	Cause Cause
	// Problem is what is wrong, in one clause; Proof what was seen, which may be empty; Next the next step.
	Problem, Proof, Next string
	// passing is set where the same exchange may succeed in a moment.
	passing bool
}

// Error is the problem, the proof and the next step in one line.
func (e *Error) Error() string {
	text := e.Problem
	if e.Proof != "" {
		text += ": " + e.Proof
	}
	return text + "; " + e.Next
}

// Passing reports whether the same exchange may succeed in a moment.
func (e *Error) Passing() bool { return e.passing }

// failed is the error of the exchange.
func (x *exchange) failed(cause Cause, next, format string, args ...any) *Error {
	return &Error{Cause: cause, Next: next,
		Problem: fmt.Sprintf("exchanging a token for robot %q at %s: ", shown.Short(x.robot), x.base.Host) + fmt.Sprintf(format, args...)}
}
