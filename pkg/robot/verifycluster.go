package robot

import (
	"context"
	"errors"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// clusterLook is a look at the credential in one cluster.
type clusterLook struct {
	*verification
	site
	// carried is what the Secret has for the registry, nil if that is of no use.
	carried *dockerconfig.Credential
	// same says that it is what Vault has.
	same  bool
	found Secret
	// frozen says why the Secret never takes over what is written to Vault; empty if it does. told says that there is an
	// ExternalSecret to tell.
	frozen string
	told   bool
}

// lookAtClusters looks at every cluster. Where there are several, one that does not answer is a finding, and keeps no other from being
// looked at.
func (v *verification) lookAtClusters(ctx context.Context) error {
	sites := v.sites(v.Tenant)
	for _, x := range sites {
		v.cluster = x.cluster
		err := (&clusterLook{verification: v, site: x}).look(ctx)
		v.cluster = ""
		if err != nil && (len(sites) == 1 || ctx.Err() != nil) {
			return err
		} else if err != nil {
			c := checkCluster.with(Failed, err.Error())
			c.Cluster = x.cluster
			v.report.Checks = append(v.report.Checks, c)
		}
	}
	return nil
}

func (l *clusterLook) look(ctx context.Context) error {
	for _, look := range []func(context.Context) error{l.lookAtExternalSecret, l.lookAtSecret, l.lookAtAge} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (l *clusterLook) lookAtExternalSecret(ctx context.Context) error {
	e, err := l.readExternalSecret(ctx)
	if errors.Is(err, ErrNotFound) {
		k := checkReady
		k.next = "make it with onboard"
		l.add(k, false, "there is no ExternalSecret %s", l.site)
		l.skip(checkPath, checkReady)
		return nil
	} else if err != nil {
		return err
	}
	k := checkReady
	if k.next = e.next() + "; then " + l.again(); e.Ready {
		l.add(k, true, "%s: %s", e.Reason, e.Message)
	} else {
		l.add(k, false, "%s", e.why())
	}
	if e.Odd != "" {
		l.add(checkPath, false, "%s", e.Odd)
	} else {
		l.add(checkPath, e.Path == l.VaultPath, "it reads %q", e.Path)
		l.print("path", e.Path)
	}
	l.frozen, l.told = e.Frozen, true
	return nil
}

// print keeps a fingerprint of what must not be another team's. Where the clusters do not agree, each has its own.
func (l *clusterLook) print(what, print string) {
	if before := l.report.prints[what]; before != "" && before != print {
		what += " in cluster " + l.site.cluster
	}
	l.report.prints[what] = print
}

// lookAtFollows reports whether the Secret takes over what is written to Vault.
func (l *clusterLook) lookAtFollows(immutable bool) {
	k := checkFollows
	switch {
	case !l.told:
		l.skip(k, checkReady)
	case l.frozen != "":
		k.next = nextOfFrozen(l.frozen)
		l.add(k, false, "it never does: %s", l.frozen)
	case immutable:
		l.frozen, k.next = "the Secret is immutable", nextImmutable
		l.add(k, false, "it never does: %s", l.frozen)
	default:
		l.add(k, true, "no field keeps it from that")
	}
}

// again is how a person has External Secrets look at once: it does where an annotation is another than when it last succeeded.
func (l *clusterLook) again() string {
	return fmt.Sprintf("have it read Vault again: kubectl annotate externalsecret %s --namespace %s force-sync=$(date +%%s%%N) --overwrite", l.secret, l.namespace)
}

func (l *clusterLook) lookAtSecret(ctx context.Context) error {
	secret, err := l.readSecret(ctx)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	l.lookAtFollows(secret.Immutable)
	if err != nil {
		k := checkType
		k.next = "run bootstrap, which has External Secrets make it again; or " + l.again()
		l.add(k, false, "there is no Secret %s", l.site)
		l.skip(checkHost, checkType)
		l.skip(checkSecretRobot, checkType)
		l.skip(checkSecretToken, checkType)
		return nil
	}
	l.found = secret
	l.add(checkType, secret.Type == secretType, "it has the type %q", secret.Type)
	found, err := l.Tenant.carried(secret)
	if err != nil {
		l.add(checkHost, false, "%v", err)
		l.skip(checkSecretRobot, checkHost)
		l.skip(checkSecretToken, checkHost)
		return nil
	}
	l.carried = &found
	l.add(checkHost, true, "it has one for %q", l.Registry)
	l.add(checkSecretRobot, l.OwnsRobot(found.Username), "it is %s", shown.QuotedRobot(found.Username))
	l.print("token", fingerprint(found.Authorization()))
	if l.stored == nil {
		l.skip(checkSecretToken, checkVaultRobot)
		return nil
	}
	same, k := l.stored.same(found), checkSecretToken
	if l.same = same; l.frozen != "" {
		k.next = "see " + checkFollows.id + ": refreshing changes nothing"
	}
	l.add(k, same, "robot and token are the same: %t", same)
	return nil
}

// lookAtAge compares the version that the Secret was rendered from, or where that is not written on it the time of the last
// refresh, with what Vault has now.
func (l *clusterLook) lookAtAge(ctx context.Context) error {
	switch {
	case l.carried == nil:
		l.skip(checkAge, checkHost)
		return nil
	case l.stored == nil:
		l.skip(checkAge, checkVaultRobot)
		return nil
	case l.same:
		// Vault may have the same again in a newer version.
		l.add(checkAge, true, "it has what version %d in Vault has", l.stored.version)
		return nil
	case l.found.VaultVersion > 0:
		l.add(checkAge, l.found.VaultVersion >= l.stored.version, "it was rendered from version %d, Vault has %d", l.found.VaultVersion, l.stored.version)
		return nil
	}
	e, err := l.readExternalSecret(ctx)
	if errors.Is(err, ErrNotFound) {
		l.skip(checkAge, checkReady)
		return nil
	} else if err != nil {
		return err
	}
	// External Secrets writes the time in whole seconds, of the beginning of its look.
	l.add(checkAge, !e.RefreshTime.Before(l.stored.Created.Truncate(1e9)), "it was refreshed at %s, Vault's version is from %s",
		stamp(e.RefreshTime), stamp(l.stored.Created))
	return nil
}
