package failure

import (
	"context"
	"errors"

	"github.com/comptech-lab/quay-push/pkg/federation"
)

// classes are those of what an exchange of tokens fails of. What is not among them is about the token, or about what the robot trusts.
var classes = map[federation.Cause]Class{
	federation.CauseRobot: ClassUsage, federation.CauseToken: ClassNoCredential,
	federation.CauseTooOld: ClassProtocol, federation.CauseForeign: ClassProtocol, federation.CauseCertificate: ClassCertificate,
	federation.CauseUnreachable: ClassNetwork, federation.CauseProxy: ClassNetwork,
	federation.CauseAway: ClassUnavailable, federation.CauseUnverified: ClassUnavailable, federation.CauseBusy: ClassRateLimited,
}

// Exchange makes an Error of what an exchange of tokens ended in.
func Exchange(ctx context.Context, err error) error {
	failed := (*federation.Error)(nil)
	if !errors.As(err, &failed) {
		return Ended(ctx, err)
	}
	e := &Error{Class: ClassCredentialRefused, Problem: failed.Problem, Proof: failed.Proof, Next: failed.Next, Err: err}
	if class, ok := classes[failed.Cause]; ok {
		e.Class = class
	}
	switch {
	case failed.Cause == federation.CauseCertificate:
		e.Next = "give the authority that signed it in --ca-file or SSL_CERT_DIR; where the host is wrong, correct " + ImageRefFlag
	case e.Class == ClassUsage || failed.Cause == federation.CauseNoRobot:
		e.Next += ", in " + RobotFlag
	case e.Class == ClassNoCredential:
		e.Next += ", in " + FederatedFlag
	}
	if TimeIsOver(ctx) {
		(&Late{Err: err}).AddTo(e)
	}
	return e
}
