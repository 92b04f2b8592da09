package platformtoken

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/semver"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// name is that of the tokens which are made for a path in Vault: by it a later run finds what an earlier one left.
func name(path string) string { return "quay-push " + path }

// The keys of the secret in Vault.
const (
	keyToken = "token"
	keyUUID  = "uuid"
)

// defaultScope is what all of the tool's work needs.
const defaultScope = "org:admin repo:admin"

// rotation is one run of Rotate.
type rotation struct {
	Services
	Options
	result Result

	// old is what Vault has, in use is the token of it and uuid its name in Quay; empty where somebody made it by hand.
	old   vault.Secret
	inUse secret.Value
	uuid  string
	// quay is asked with the token in use, listed are the application's tokens.
	quay   Quay
	listed []quay.ApplicationToken
}

// Rotate makes a new token, proves that it administers, writes it to Vault, waits until those who use it have it, and ends the old one.
// What it needs to know stands in Quay and Vault: after any failure, run it again.
func Rotate(ctx context.Context, s Services, o Options) (Result, error) {
	r := &rotation{Services: s, Options: o}
	if err := r.look(ctx); err != nil {
		return r.result, err
	}
	left := r.left()
	if r.uuid != "" && len(left) > 0 {
		// Vault has the new one already.
		r.result.Resumed = true
		return r.result, r.finish(ctx, r.inUse, left)
	}
	// Of these nobody has the token: Vault never had it.
	if err := r.end(ctx, r.quay, left); err != nil {
		return r.result, err
	}
	if r.MaxAge > 0 && r.Now().Sub(r.result.Created) < r.MaxAge {
		return r.result, nil
	}
	made, err := r.make(ctx)
	if err != nil {
		return r.result, err
	}
	r.result.Rotated, r.result.Created, r.result.Expires = true, made.Created, made.Expires
	return r.result, r.finish(ctx, made.Token, nonEmpty(r.uuid))
}

// look reads what there is.
func (r *rotation) look(ctx context.Context) (err error) {
	if r.old, err = r.Vault.Read(ctx, r.Path); errors.Is(err, vault.ErrNotFound) || err == nil && r.old.Data[keyToken].IsZero() {
		return &robot.Error{Reason: robot.ReasonMissing, Problem: fmt.Sprintf("there is no OAuth token at %q in Vault", r.Path),
			Next: "put the first one there, as key token: docs/fleet.md says how"}
	} else if err != nil {
		return err
	}
	r.inUse, r.result.Created = r.old.Data[keyToken], r.old.Created
	if r.quay, err = r.Services.Quay(r.inUse); err != nil {
		return err
	}
	if err := r.tooOld(ctx); err != nil {
		return err
	}
	r.listed, err = r.quay.ApplicationTokens(ctx, r.Organization, r.Application)
	if quay.IsNotFound(err) {
		return &robot.Error{Reason: robot.ReasonMissing, Problem: fmt.Sprintf("organization %q has no OAuth application %q, or Quay is older than 3.18", r.Organization, r.Application),
			Err: err, Next: "name the application with its client ID, which its page in Quay shows"}
	} else if err != nil {
		return err
	}
	for _, t := range r.listed {
		if r.old.Data[keyUUID].Equal(secret.New(t.UUID)) {
			r.uuid, r.result.Created, r.result.Expires = t.UUID, t.Created, t.Expires
		}
		if t.Name != name(r.Path) {
			r.result.ByHand = append(r.result.ByHand, t)
		}
	}
	return nil
}

// oldest is the version of Quay that has the API.
const oldest = "v3.18.0"

// tooOld is the error for a Quay without the API, where it tells its version.
func (r *rotation) tooOld(ctx context.Context) error {
	settings, err := r.quay.Config(ctx)
	if err != nil {
		return err
	}
	if v := "v" + settings.Version; !semver.IsValid(v) || semver.Compare(semver.MajorMinor(v), semver.MajorMinor(oldest)) >= 0 {
		return nil
	}
	return &robot.Error{Reason: robot.ReasonRefused, Problem: fmt.Sprintf("Quay %s has no API that makes OAuth tokens: 3.18 is the first", settings.Version),
		Next: "make one by hand (organization, Applications, your application, Generate Token), write it to Vault as key token, then revoke the old one"}
}

// left are the UUIDs of our tokens that are not in use.
func (r *rotation) left() (uuids []string) {
	for _, t := range r.listed {
		if t.Name == name(r.Path) && t.UUID != r.uuid {
			uuids = append(uuids, t.UUID)
		}
	}
	return uuids
}

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
	for {
		has, err := r.Delivery.Token(ctx)
		if err != nil {
			return err
		} else if has.Equal(token) {
			return nil
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

// nonEmpty is a list of the text, none if that is empty.
func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}
