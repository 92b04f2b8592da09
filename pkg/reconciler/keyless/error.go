package keyless

import (
	"fmt"
	"time"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/federation"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
)

// Error is a credential that was not made. None of its texts has a token in it.
type Error struct {
	// Reason is one of package v1alpha1's.
	Reason string
	// Problem is what is wrong and the proof, Next the next step.
	Problem, Next string
	// Passing says that trying again may help.
	Passing bool
}

func (e *Error) Error() string { return e.Problem + "; " + e.Next }

// Lacks is what a run lacks that waits for its credential.
const Lacks = "no credential yet"

// Setback is what the run is kept back by.
func (e *Error) Setback() customrun.Setback {
	return customrun.Setback{Failure: customrun.Failure{Reason: e.Reason, Message: e.Problem, Next: e.Next}, Passing: e.Passing}
}

// reasons are what the causes of a failed exchange are called in a run's condition. A cause that is not here is ReasonFederationRefused.
var reasons = map[federation.Cause]string{
	federation.CauseNoRobot:        v1alpha1.ReasonFederationRobotMissing,
	federation.CauseNoFederation:   v1alpha1.ReasonFederationMissing,
	federation.CauseIssuer:         v1alpha1.ReasonFederationIssuerMismatch,
	federation.CauseIssuerDocument: v1alpha1.ReasonFederationIssuerMismatch,
	federation.CauseSubject:        v1alpha1.ReasonFederationSubjectMismatch,
	federation.CauseAudience:       v1alpha1.ReasonFederationAudienceMismatch,
	federation.CauseExpired:        v1alpha1.ReasonFederationTokenExpired,
	federation.CauseClock:          v1alpha1.ReasonFederationTokenExpired,
	federation.CauseSignature:      v1alpha1.ReasonFederationTokenInvalid,
	federation.CauseAlgorithm:      v1alpha1.ReasonFederationTokenInvalid,
	federation.CauseToken:          v1alpha1.ReasonFederationTokenInvalid,
	federation.CauseUnverified:     v1alpha1.ReasonFederationIssuerUnreachable,
	federation.CauseTooOld:         v1alpha1.ReasonFederationUnsupported,
	federation.CauseUnreachable:    v1alpha1.ReasonFederationUnreachable,
	federation.CauseAway:           v1alpha1.ReasonFederationUnreachable,
	federation.CauseBusy:           v1alpha1.ReasonFederationUnreachable,
	federation.CauseCertificate:    v1alpha1.ReasonFederationUnreachable,
	federation.CauseProxy:          v1alpha1.ReasonFederationUnreachable,
}

// next is the next step where the controller knows more of the token than who only exchanges it.
var next = map[federation.Cause]string{
	federation.CauseSubject:     "give the robot that subject in Quay, each character of it: it is the custody namespace and the team's ServiceAccount",
	federation.CauseUnreachable: "see whether Quay runs and can be reached from the controller, then run the pipeline again",
	federation.CauseSignature:   "the cluster's key set at the issuer's address is not the one that the API server signs with: publish it anew, kubectl get --raw /openid/v1/jwks",
	federation.CauseAlgorithm:   "the API server signs with a key that is not RSA: give it one (--service-account-signing-key-file)",
	federation.CauseCertificate: "let the controller trust the authority of Quay's certificate, see docs/provenance.md",
	federation.CauseAudience:    "set federation-audience in config-tenancy to the audience that the robot's federation in Quay has",
	federation.CauseExpired:     "compare the clocks of the API server and of Quay: they may differ by 30 s, and the token is made right before",
}

// refused is a failed exchange.
func refused(account tenancy.Account, failed *federation.Error) *Error {
	e := &Error{Reason: reasons[failed.Cause], Problem: by(account) + failed.Problem, Next: failed.Next, Passing: failed.Passing()}
	if failed.Proof != "" {
		e.Problem += ": " + failed.Proof
	}
	if e.Reason == "" {
		e.Reason = v1alpha1.ReasonFederationRefused
	}
	if known := next[failed.Cause]; known != "" {
		e.Next = known
	}
	return e
}

// late is a Quay that does not answer in time.
func late(registry string, account tenancy.Account, patience time.Duration) *Error {
	return &Error{Reason: v1alpha1.ReasonFederationUnreachable, Passing: true,
		Problem: by(account) + fmt.Sprintf("exchanging a token for robot %q at %s: there was no answer within %s", account.Robot, registry, patience),
		Next:    "see whether Quay runs, can be reached from the controller, and reaches the cluster's issuer, then run the pipeline again"}
}

// NextTokenRefused is the next step where the controller may have no token of a ServiceAccount.
const NextTokenRefused = "apply config/custody/ again: it gives the right to create serviceaccounts/token there; and see docs/custody.md"

// withheld is a token that the API server does not make.
func withheld(account tenancy.Account, err error) *Error {
	return &Error{Reason: v1alpha1.ReasonTokenRefused,
		Problem: by(account) + fmt.Sprintf("the API server refused the controller a token: %v", err),
		Next:    NextTokenRefused}
}

// by says which team's account it is about.
func by(account tenancy.Account) string {
	return fmt.Sprintf("keyless, by ServiceAccount %q in namespace %q: ", account.Name, account.Namespace)
}
