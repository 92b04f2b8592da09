package robot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// leastKept is how long Vault has to keep a version: a rotation may be left undone for as long, and is then still known by
// the older version.
const leastKept = 24 * time.Hour

// checkMount fails if the credential's mount in Vault is known to be something else than KV version 2.
func (s Services) checkMount(ctx context.Context) error {
	mount, err := s.Vault.Mount(ctx)
	if err != nil {
		return err
	}
	if problem, mend := mount.Wrong(); problem != "" {
		return &Error{Reason: ReasonRefused, Problem: problem + ", and the credential needs KV version 2", Next: mend}
	}
	return nil
}

// checkPlace fails if the tenant's path in Vault cannot take its credential, or has another team's.
func (s Services) checkPlace(ctx context.Context, t Tenant) error {
	err := s.checkMount(ctx)
	if err == nil {
		_, err = s.read(ctx, t)
	}
	return err
}

// lost says which setting of Vault loses the older version, by which an unfinished rotation is known, before its end, and what mends
// that; both are empty if none does.
func (s Services) lost(ctx context.Context, t Tenant) (problem, mend string, err error) {
	mount, err := s.Vault.Mount(ctx)
	if err != nil {
		return "", "", err
	}
	metadata, err := s.Vault.Metadata(ctx, t.VaultPath)
	if err != nil {
		return "", "", err
	}
	problem, mend = mount.Loses(t.VaultPath, metadata.Limits, leastKept)
	return problem, mend, nil
}

// unseen says which setting of Vault, of those that lost looks at, could not be looked at, and what mends that.
func (s Services) unseen(ctx context.Context, t Tenant) (problem, mend string, err error) {
	mount, err := s.Vault.Mount(ctx)
	if err != nil {
		return "", "", err
	}
	metadata, err := s.Vault.Metadata(ctx, t.VaultPath)
	problem, mend = mount.Unseen(t.VaultPath, metadata.Limits)
	return problem, mend, err
}

// checkKept fails if Vault would lose what a rotation leaves undone.
func (s Services) checkKept(ctx context.Context, t Tenant) error {
	problem, mend, err := s.lost(ctx, t)
	if err == nil && problem != "" {
		err = &Error{Reason: ReasonRefused, Problem: problem + ", and a rotation that is left undone is known by the older version", Next: mend}
	}
	return err
}

// checkOwner fails if the OAuth token cannot administer the tenant's organization.
func (s Services) checkOwner(ctx context.Context, t Tenant) error {
	o, err := s.Quay.Organization(ctx, t.Organization)
	if err == nil && !o.Admin {
		err = notOwner(t.Organization)
	}
	return err
}

// notOwner is the error for an OAuth token that Quay knows and that does not administer organization.
func notOwner(organization string) error {
	return &Error{Reason: ReasonNoRight, Problem: fmt.Sprintf("the OAuth token does not administer %q: its user is no owner, or it lacks the scope org:admin", organization),
		Next: "use an OAuth token with the scopes org:admin and repo:admin, of an owner of the organization"}
}

// checkRefresh fails if a cluster's Secret never takes over what is written to Vault, or a cluster does not answer.
func (s Services) checkRefresh(ctx context.Context, t Tenant) error {
	for _, x := range s.sites(t) {
		if err := x.checkRefresh(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// nextOfFrozen is the next step for what keeps an ExternalSecret from following Vault.
func nextOfFrozen(frozen string) string {
	next := "correct that field, or render the ExternalSecret again with onboard"
	if strings.HasPrefix(frozen, "spec.target.immutable") {
		next += "; then " + nextImmutable
	}
	return next
}

// nextImmutable is the next step where nobody can change the Secret, whatever the ExternalSecret wants by now.
const nextImmutable = "delete the Secret: External Secrets makes it again from Vault, without that where the ExternalSecret does not want it"

// endsSoon reports whether Vault is about to delete the version that is stored.
func (s Services) endsSoon(c stored) bool {
	return !c.Ends.IsZero() && c.Ends.Sub(s.now()) < leastKept
}

// renewal says why the credential in use is to be written once more before the rotation; empty if it is not.
func (r *rotation) renewal(ctx context.Context, current stored) (string, error) {
	if r.endsSoon(current) {
		return "Vault is about to delete it", nil
	}
	problem, _, err := r.unseen(ctx, r.Tenant)
	return problem, err
}

// renewTask writes the credential in use once more: that it was there before the rotation has to stay known until
// the rotation's end. It proves that Vault keeps the version before, as nothing is burnt yet.
func (r *rotation) renewTask(current stored, why string) task {
	return task{id: "renew", title: "write the credential in use again, as " + why, reason: ReasonConflict, next: nextConflict,
		check: func(ctx context.Context) (bool, string, error) {
			found, err := r.read(ctx, r.Tenant)
			if err != nil || !found.exists || !found.equal(current.credential) {
				return false, "Vault has another credential by now", err
			}
			if r.version = found.version; found.version == current.version {
				return false, fmt.Sprintf("version %d ends at %s", found.version, stamp(found.Ends)), nil
			}
			return true, fmt.Sprintf("it is version %d", found.version), r.proveKept(ctx, current.version, found)
		},
		do: func(ctx context.Context) error { return r.write(ctx, r.Tenant, current.credential, r.version) }}
}

// proveKept fails if Vault lost the version before when found was written, or is to delete that soon.
func (r *rotation) proveKept(ctx context.Context, before int, found stored) error {
	metadata, err := r.Vault.Metadata(ctx, r.VaultPath)
	if err != nil {
		return err
	}
	const why = ", and a rotation that is left undone is known by the older version"
	set := "vault kv metadata put -mount=MOUNT"
	if mount, err := r.Vault.Mount(ctx); err == nil {
		set = "vault kv metadata put -mount=" + mount.Name
	}
	switch {
	case r.endsSoon(found):
		return &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("Vault deletes at %s what was written to %q just now", stamp(found.Ends), r.VaultPath) + why,
			Next: fmt.Sprintf("%s -delete-version-after=%s %s, if the mount's own delete_version_after is not shorter", set, 30*leastKept, r.VaultPath)}
	case !slices.Contains(metadata.Live, before):
		return &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("Vault lost version %d of %q when version %d was written", before, r.VaultPath, found.version) + why,
			Next: fmt.Sprintf("%s -max-versions=10 %s, then run it again: nothing was burnt", set, r.VaultPath)}
	}
	return nil
}
