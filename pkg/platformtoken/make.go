package platformtoken

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// defaultScope is what all of the tool's work needs.
const defaultScope = "org:admin repo:admin"

// make makes a token, proves it, and writes it to Vault.
func (r *rotation) make(ctx context.Context) (quay.ApplicationToken, error) {
	scope := defaultScope
	if i := slices.IndexFunc(r.listed, func(t quay.ApplicationToken) bool { return t.UUID == r.uuid }); i >= 0 {
		scope = r.listed[i].Scope
	}
	r.report("making a new OAuth token")
	made, err := r.quay.CreateApplicationToken(ctx, r.Organization, r.Application, name(r.Path), scope, r.Lifetime)
	if err != nil {
		return made, err
	}
	r.report("proving it")
	if err := r.prove(ctx, made.Token); err != nil {
		return made, errors.Join(err, r.drop(ctx, made.UUID))
	}
	r.report("writing it to Vault")
	_, err = r.Vault.Write(ctx, r.Path, vault.Data{keyToken: made.Token, keyUUID: secret.New(made.UUID)}, r.old.Version)
	if !errors.Is(err, vault.ErrConflict) {
		// Without an answer it may be there: the next run sees which one is.
		return made, err
	}
	// A write whose answer was lost is sent again, and meets its own version.
	if now, readErr := r.Vault.Read(ctx, r.Path); readErr != nil || now.Data[keyToken].Equal(made.Token) {
		return made, readErr
	}
	return made, errors.Join(&robot.Error{Reason: robot.ReasonConflict, Problem: fmt.Sprintf("somebody else wrote to %q in Vault", r.Path), Err: err,
		Next: "see who does, then run it again"}, r.drop(ctx, made.UUID))
}

// drop ends a token that nobody has got; what is wrong by then is told instead of ctx' end.
func (r *rotation) drop(ctx context.Context, uuid string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return r.end(ctx, r.quay, []string{uuid})
}

// prove asks for organizations with the token.
func (r *rotation) prove(ctx context.Context, token secret.Value) error {
	q, err := r.Services.Quay(token)
	if err != nil {
		return err
	}
	for _, organization := range append([]string{r.Organization}, r.Prove...) {
		o, err := q.Organization(ctx, organization)
		if err == nil && !o.Admin {
			err = errors.New("it does not administer it")
		}
		if err != nil {
			return &robot.Error{Reason: robot.ReasonNoRight, Problem: fmt.Sprintf("the new token was tried on organization %q, and is not used", organization), Err: err,
				Next: "see whether the user for whom the token in use was made owns that organization"}
		}
	}
	return nil
}
