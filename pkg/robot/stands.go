package robot

import (
	"context"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// checkTakenOver fails unless the cluster has the new credential, and Quay takes it: only then the old one is of no use.
func (r *rotation) checkTakenOver(ctx context.Context) error {
	if ok, detail, err := r.inSecret(ctx, r.Tenant, r.to); err != nil || !ok {
		return &Error{Reason: ReasonDrift, Problem: "no robot was burnt, as the Secret changed again: " + detail, Err: err,
			Next: "see who changes the ExternalSecret or Vault, then run it again"}
	}
	return r.checkStands(ctx)
}

// checkStands fails unless the new credential is in use, and Quay takes it: somebody else may have worked on it at the same time.
func (r *rotation) checkStands(ctx context.Context) error {
	if err := r.checkInUse(ctx); err != nil || r.Keyless {
		return err
	}
	return r.stillGood(ctx)
}

// checkInUse fails unless Vault has the new credential, or the ServiceAccount of a keyless team names the new robot.
func (r *rotation) checkInUse(ctx context.Context) error {
	if !r.Keyless {
		return r.inVault(ctx, r.Tenant, r.to)
	}
	found, err := r.serviceAccount(ctx, r.Tenant)
	if err == nil && found.Robot != r.to.username {
		err = &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("ServiceAccount %q names %q, and not %q", r.Namespace+"/"+r.Secret, found.Robot, r.to.username), Next: nextElse}
	}
	return err
}

// nextBootstrap is the next step where Vault has a credential that is of no use.
const nextBootstrap = "run bootstrap, which puts one that works into Vault, then rotate again"

// stillGood fails if Quay has another token of the new robot than Vault, or none: then what is in Vault is dead, since somebody
// else rotated in between, or answered a leak and did not get to the end.
func (r *rotation) stillGood(ctx context.Context) error {
	robot, err := r.Quay.Robot(ctx, r.to.username)
	switch {
	case quay.IsNotFound(err):
		return &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("robot %q, which Vault has, is gone from Quay", r.to.username), Next: nextBootstrap}
	case err != nil:
		return err
	case !robot.Token.Equal(r.to.token):
		return &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("Quay has another token of robot %q than Vault", r.to.username), Next: nextBootstrap}
	}
	return nil
}
