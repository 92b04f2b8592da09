package platformtoken

import (
	"context"
	"slices"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// finish waits until those who use the token have it, and ends the others, in Quay and in Vault.
func (r *rotation) finish(ctx context.Context, token secret.Value, others []string) error {
	if err := r.deliver(ctx, token); err != nil {
		return err
	}
	q, err := r.Services.Quay(token)
	if err != nil {
		return err
	}
	if err := r.end(ctx, q, others); err != nil {
		return err
	}
	metadata, err := r.Vault.Metadata(ctx, r.Path)
	if err != nil {
		return err
	}
	return r.Vault.Destroy(ctx, r.Path, slices.DeleteFunc(metadata.Live, func(n int) bool { return n == metadata.Current }))
}

// deliver waits until those who use the token have it.
func (r *rotation) deliver(ctx context.Context, token secret.Value) error {
	if r.Delivery == nil {
		return nil
	}
	r.report("waiting until the Secret has it")
	if err := r.Delivery.Refresh(ctx); err != nil {
		return err
	}
	for looks := 1; ; looks++ {
		has, err := r.Delivery.Token(ctx)
		if err != nil {
			return err
		} else if has.Equal(token) {
			return nil
		}
		// After a failure External Secrets waits longer and longer by itself, up to seven minutes.
		if looks%5 == 0 {
			if err := r.Delivery.Refresh(ctx); err != nil {
				return err
			}
		}
		select {
		case <-time.After(r.Poll):
		case <-ctx.Done():
			return &robot.Error{Reason: robot.ReasonTimeout, Problem: "the Secret has not got the new OAuth token, so that the old one was not ended", Err: ctx.Err(),
				Next: "see the ExternalSecret's conditions, then run it again: it goes on from here"}
		}
	}
}

// end deletes tokens. One that is gone is what was wanted.
func (r *rotation) end(ctx context.Context, q Quay, uuids []string) error {
	for _, uuid := range uuids {
		r.report("ending token " + uuid)
		if err := q.DeleteApplicationToken(ctx, r.Organization, r.Application, uuid); err != nil && !quay.IsNotFound(err) {
			return err
		}
		r.result.Deleted = append(r.result.Deleted, uuid)
	}
	return nil
}
