package platformtoken

import (
	"context"
	"errors"
	"fmt"

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

// nonEmpty is a list of the text, none if that is empty.
func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}
