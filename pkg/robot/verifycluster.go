package robot

import (
	"context"
	"errors"
	"fmt"
)

func (v *verification) lookAtExternalSecret(ctx context.Context) error {
	e, err := v.Cluster.ExternalSecret(ctx, v.Namespace, v.Tenant.Secret)
	if errors.Is(err, ErrNotFound) {
		k := checkReady
		k.next = "make it with onboard"
		v.add(k, false, "there is no ExternalSecret %q", v.Namespace+"/"+v.Tenant.Secret)
		v.skip(checkPath, checkReady)
		return nil
	} else if err != nil {
		return err
	}
	v.add(checkReady, e.Ready, "%s: %s", e.Reason, e.Message)
	if e.Odd != "" {
		v.add(checkPath, false, "%s", e.Odd)
	} else {
		v.add(checkPath, e.Path == v.VaultPath, "it reads %q", e.Path)
		v.report.prints["path"] = e.Path
	}
	v.frozen, v.told = e.Frozen, true
	return nil
}

// lookAtFollows reports whether the Secret takes over what is written to Vault.
func (v *verification) lookAtFollows(immutable bool) {
	k := checkFollows
	switch {
	case !v.told:
		v.skip(k, checkReady)
	case v.frozen != "":
		v.add(k, false, "it never does: %s", v.frozen)
	case immutable:
		v.frozen, k.next = "the Secret is immutable", nextImmutable
		v.add(k, false, "it never does: %s", v.frozen)
	default:
		v.add(k, true, "no field keeps it from that")
	}
}

func (v *verification) lookAtSecret(ctx context.Context) error {
	secret, err := v.Cluster.Secret(ctx, v.Namespace, v.Tenant.Secret)
	v.lookAtFollows(secret.Immutable)
	if errors.Is(err, ErrNotFound) {
		k := checkType
		k.next = fmt.Sprintf("see the events of the ExternalSecret, then have it read Vault again: kubectl annotate externalsecret %s --namespace %s force-sync=again --overwrite",
			v.Tenant.Secret, v.Namespace)
		v.add(k, false, "there is no Secret %q", v.Namespace+"/"+v.Tenant.Secret)
		v.skip(checkHost, checkType)
		v.skip(checkSecretRobot, checkType)
		v.skip(checkSecretToken, checkType)
		return nil
	} else if err != nil {
		return err
	}
	v.secret = secret
	v.add(checkType, secret.Type == secretType, "it has the type %q", secret.Type)
	found, err := v.carried(secret)
	if err != nil {
		v.add(checkHost, false, "%v", err)
		v.skip(checkSecretRobot, checkHost)
		v.skip(checkSecretToken, checkHost)
		return nil
	}
	v.inCluster = &found
	v.add(checkHost, true, "it has one for %q", v.Registry)
	v.add(checkSecretRobot, v.OwnsRobot(found.Username), "it is %q", found.Username)
	v.report.prints["token"] = fingerprint(found.Authorization())
	if v.stored == nil {
		v.skip(checkSecretToken, checkVaultRobot)
		return nil
	}
	same, k := v.stored.same(found), checkSecretToken
	if v.frozen != "" {
		k.next = "see " + checkFollows.id + ": refreshing changes nothing"
	}
	v.add(k, same, "robot and token are the same: %t", same)
	return nil
}

// lookAtAge compares the version that the Secret was rendered from, or where that is not written on it the time of the last
// refresh, with what Vault has now.
func (v *verification) lookAtAge(ctx context.Context) error {
	switch {
	case v.inCluster == nil:
		v.skip(checkAge, checkHost)
		return nil
	case v.stored == nil:
		v.skip(checkAge, checkVaultRobot)
		return nil
	case v.secret.VaultVersion > 0:
		v.add(checkAge, v.secret.VaultVersion >= v.stored.version, "it was rendered from version %d, Vault has %d", v.secret.VaultVersion, v.stored.version)
		return nil
	}
	e, err := v.Cluster.ExternalSecret(ctx, v.Namespace, v.Tenant.Secret)
	if errors.Is(err, ErrNotFound) {
		v.skip(checkAge, checkReady)
		return nil
	} else if err != nil {
		return err
	}
	// External Secrets writes the time in whole seconds, of the beginning of its look.
	v.add(checkAge, !e.RefreshTime.Before(v.stored.Created.Truncate(1e9)), "it was refreshed at %s, Vault's version is from %s",
		stamp(e.RefreshTime), stamp(v.stored.Created))
	return nil
}
