package robot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/comptech-lab/quay-push/pkg/shown"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// What a path in Vault that people wrote has in place of keyUsername and keyToken.
const (
	keyPassword     = "password"
	keyDockerconfig = ".dockerconfigjson"
)

// checkCredential finds what the team pushes with: in the Secret or at the path that was named, else at the tenant's own path.
func (a *adoption) checkCredential(ctx context.Context) (done bool, detail string, err error) {
	if err := a.checkMount(ctx); err != nil {
		return false, "", err
	}
	switch {
	case a.opts.Secret != nil:
		a.active, err = a.fromSecret(ctx, *a.opts.Secret)
	case a.opts.VaultPath != "" && a.opts.VaultPath != a.VaultPath:
		a.active, err = a.fromVault(ctx, a.opts.VaultPath, true)
	default:
		a.active, err = a.fromVault(ctx, a.VaultPath, false)
	}
	if err != nil {
		return false, "", err
	}
	return true, fmt.Sprintf("%s has that of %s", a.where, shown.QuotedRobot(a.active.username)), nil
}

// fromVault reads a path in Vault. One that people wrote may have the credential as they are used to; at the tenant's own External
// Secrets will look for what Bootstrap writes.
func (a *adoption) fromVault(ctx context.Context, path string, free bool) (credential, error) {
	a.where = fmt.Sprintf("%q in Vault", path)
	found, err := a.Vault.Read(ctx, path)
	if errors.Is(err, vault.ErrNotFound) {
		return credential{}, &Error{Reason: ReasonMissing, Problem: fmt.Sprintf("there is nothing at %s", a.where), Next: a.nextSource(ctx)}
	} else if err != nil {
		return credential{}, err
	}
	keys, c := found.Data.Keys(), credentialOf(found.Data)
	switch {
	case slices.Equal(keys, []string{keyToken, keyUsername}):
	case free && slices.Equal(keys, []string{keyPassword, keyUsername}):
		c.token = found.Data[keyPassword]
	case free && slices.Equal(keys, []string{keyDockerconfig}):
		return a.only(Secret{Dockerconfig: found.Data[keyDockerconfig]}, "copy the entry of this registry to a path of its own, as username and token, and give that path with --vault-path")
	case free:
		return credential{}, &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("%s has the keys %q, and not username with token or password, or %s alone", a.where, keys, keyDockerconfig),
			Next: "copy the two to a path of their own, as username and token, and give that path with --vault-path"}
	default:
		return credential{}, &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("%s has the keys %q, and the ExternalSecret reads username and token, and nothing else", a.where, keys),
			Next: "copy it to another path and free this one with vault kv delete, then give the other path with --vault-path: it stays as it is"}
	}
	if c.username == "" || c.token.IsZero() {
		return credential{}, &Error{Reason: ReasonRefused, Problem: a.where + " has an empty username or token", Next: a.nextSource(ctx)}
	}
	return c, nil
}

// nextSource is the next step where the credential is not where it was looked for.
func (a *adoption) nextSource(ctx context.Context) string {
	if _, err := a.Cluster.Secret(ctx, a.Namespace, a.Secret); err == nil {
		return fmt.Sprintf("run it again with --from-secret %s/%s, which has one", a.Namespace, a.Secret)
	}
	return "say where it is with --vault-path or --from-secret NAMESPACE/NAME; without any, run onboard, which makes the team a robot"
}

// fromSecret reads a Secret.
func (a *adoption) fromSecret(ctx context.Context, at Place) (credential, error) {
	a.where = fmt.Sprintf("Secret %q", at.Namespace+"/"+at.Name)
	found, err := a.Cluster.Secret(ctx, at.Namespace, at.Name)
	if errors.Is(err, ErrNotFound) {
		return credential{}, &Error{Reason: ReasonMissing, Problem: "there is no " + a.where, Next: "say where the credential is with --from-secret or --vault-path"}
	} else if err != nil {
		return credential{}, err
	}
	if found.Type != secretType {
		return credential{}, &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("%s has the type %q, and not %q", a.where, found.Type, secretType),
			Next: "put its user name and password into Vault, as username and token, and give that path with --vault-path"}
	}
	return a.only(found, "make a Secret with the entry of this registry alone, and give that one with --from-secret")
}

// only returns the credential of a Docker config file that has one, for the team's registry, else next is the next step: what else is in
// the file would be lost with what External Secrets renders.
func (a *adoption) only(found Secret, next string) (credential, error) {
	match, others, err := a.entry(found)
	switch {
	case err != nil:
		return credential{}, &Error{Reason: ReasonRefused, Problem: a.where + " cannot be used", Err: err, Next: next}
	case len(others) > 0:
		return credential{}, &Error{Reason: ReasonRefused, Problem: a.where + " has credentials of others besides " + match.Key + ":" + list("", others), Next: next}
	}
	return credential{match.Credential.Username, match.Credential.Password()}, nil
}
