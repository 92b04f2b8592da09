package robot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// secretType is the type of the Secret (kubernetes.io/dockerconfigjson of the Kubernetes API).
const secretType = "kubernetes.io/dockerconfigjson"

// verification is one run of Verify.
type verification struct {
	Services
	Tenant
	report Report

	// stored is what Vault has, nil if that is of no use; robot is the one in use, with Quay's token.
	stored *stored
	robot  *quay.Robot
	// inCluster is what the Secret has for the registry, nil if that is of no use.
	inCluster *dockerconfig.Credential
	secret    Secret
	// follows says that the Secret takes over what is written to Vault.
	follows bool
}

// Verify looks at every part of a tenant's chain and changes nothing: Quay, Vault, ExternalSecret, Secret, the right to push
// to repositories and to none of foreign, which are "organization/name" and exist; nil repositories are all of the
// organization that take pushes. An error says what could not be asked; what was asked and is wrong is in the report.
func Verify(ctx context.Context, s Services, t Tenant, repositories, foreign []string) (Report, error) {
	v := &verification{Services: s, Tenant: t, report: Report{Tenant: t.Team, Checks: []Check{}, prints: map[string]string{}}}
	if repositories == nil {
		var err error
		if repositories, err = s.repositories(ctx, t.Organization); err != nil {
			return v.report, fmt.Errorf("verifying team %q: %w", t.Team, err)
		}
	}
	for _, look := range []func(context.Context) error{v.lookAtQuay, v.lookAtVault, v.lookAtToken, v.lookAtExternalSecret, v.lookAtSecret, v.lookAtAge,
		v.lookAtDefault, func(ctx context.Context) error { return v.lookAtRights(ctx, repositories, foreign) }, v.lookAtOld, v.lookAtSettings} {
		if err := look(ctx); err != nil {
			return v.report, fmt.Errorf("verifying team %q: %w", t.Team, err)
		}
	}
	return v.report, nil
}

func (v *verification) add(k checkKind, ok bool, format string, args ...any) {
	status := Failed
	if ok {
		status = Passed
	}
	v.report.Checks = append(v.report.Checks, k.with(status, fmt.Sprintf(format, args...)))
}

func (v *verification) skip(k checkKind, because checkKind) {
	v.report.Checks = append(v.report.Checks, k.with(Skipped, fmt.Sprintf("see %q", because.id)))
}

func (v *verification) lookAtQuay(ctx context.Context) error {
	o, err := v.Quay.Organization(ctx, v.Organization)
	switch {
	case quay.IsNotFound(err):
		v.add(checkOrganization, false, "there is no organization %q", v.Organization)
		return nil
	case err != nil:
		return err
	}
	if !o.Admin {
		return notOwner(v.Organization)
	}
	v.add(checkOrganization, true, "%q exists, and the OAuth token administers it: true", v.Organization)
	return nil
}

func (v *verification) lookAtVault(ctx context.Context) error {
	if v.VaultPath == "" {
		v.skip(checkVaultData, checkPath)
		v.skip(checkVaultRobot, checkPath)
		return nil
	}
	secret, err := v.Vault.Read(ctx, v.VaultPath)
	if errors.Is(err, vault.ErrNotFound) {
		v.add(checkVaultData, false, "there is nothing at %q", v.VaultPath)
		v.skip(checkVaultRobot, checkVaultData)
		return nil
	} else if err != nil {
		return err
	}
	found := credentialOf(secret.Data)
	whole := slices.Equal(secret.Data.Keys(), []string{keyToken, keyUsername})
	v.add(checkVaultData, whole && found.username != "" && found.token.Known(), "version %d has the keys %q", secret.Version, secret.Data.Keys())
	owned := v.owns(found.username)
	v.add(checkVaultRobot, owned, "it is %q", found.username)
	if owned {
		v.report.Robot = found.username
		v.stored = &stored{credential: found, Secret: secret, exists: true, version: secret.Version}
	}
	return nil
}

func (v *verification) lookAtToken(ctx context.Context) error {
	if v.stored == nil {
		v.skip(checkVaultToken, checkVaultRobot)
		return nil
	}
	robot, err := v.Quay.Robot(ctx, v.stored.username)
	switch {
	case quay.IsNotFound(err):
		v.add(checkVaultToken, false, "there is no robot %q in Quay", v.stored.username)
	case quay.IsForbidden(err):
		v.skip(checkVaultToken, checkOrganization)
	case err != nil:
		return err
	default:
		v.robot = &robot
		equal := robot.Token.Equal(v.stored.token)
		v.add(checkVaultToken, equal, "the tokens of %q are equal: %t", robot.Name, equal)
	}
	return nil
}

func (v *verification) lookAtExternalSecret(ctx context.Context) error {
	e, err := v.Cluster.ExternalSecret(ctx, v.Namespace, v.Tenant.Secret)
	if errors.Is(err, ErrNotFound) {
		k := checkReady
		k.next = "make it with onboard"
		v.add(k, false, "there is no ExternalSecret %q", v.Namespace+"/"+v.Tenant.Secret)
		v.skip(checkPath, checkReady)
		v.skip(checkFollows, checkReady)
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
	if v.follows = e.Frozen == ""; !v.follows {
		v.add(checkFollows, false, "it never does: %s", e.Frozen)
	} else {
		v.add(checkFollows, true, "no field keeps it from that")
	}
	return nil
}

func (v *verification) lookAtSecret(ctx context.Context) error {
	secret, err := v.Cluster.Secret(ctx, v.Namespace, v.Tenant.Secret)
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
	v.add(checkSecretRobot, v.owns(found.Username), "it is %q", found.Username)
	v.report.prints["token"] = fingerprint(found.Authorization())
	if v.stored == nil {
		v.skip(checkSecretToken, checkVaultRobot)
		return nil
	}
	same, k := v.stored.same(found), checkSecretToken
	switch {
	case secret.Immutable:
		k.next = nextImmutable
	case !v.follows:
		k.next = "see " + checkFollows.id + ": " + nextFrozen
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

func (v *verification) lookAtDefault(ctx context.Context) error {
	if v.robot == nil {
		v.skip(checkDefault, checkVaultToken)
		return nil
	}
	ok, detail, err := v.defaultPermissionTask(v.Organization, func() string { return v.robot.Name }).check(ctx)
	if err == nil {
		v.add(checkDefault, ok, "%s", detail)
	}
	return err
}

// lookAtRights asks with the token of Quay: what Vault and the Secret have is compared elsewhere.
func (v *verification) lookAtRights(ctx context.Context, repositories, foreign []string) error {
	if v.robot == nil {
		v.skip(checkPush, checkVaultToken)
		v.skip(checkForeign, checkVaultToken)
		return nil
	}
	rights, err := v.Quay.Rights(ctx, v.robot.Name, v.robot.Token, slices.Concat(repositories, foreign)...)
	if err != nil {
		return err
	}
	lacking, reached := []string{}, []string{}
	for _, repository := range repositories {
		if !rights.Push(repository) {
			lacking = append(lacking, repository)
		}
	}
	for _, repository := range foreign {
		if rights.Push(repository) {
			reached = append(reached, repository)
		}
	}
	v.add(checkPush, len(lacking) == 0, "%d of %d repositories%s", len(repositories)-len(lacking), len(repositories), list("; not", lacking))
	v.add(checkForeign, len(reached) == 0, "asked about %d repositories of others%s", len(foreign), list("; it may push to", reached))
	return nil
}

// lookAtSettings says when Vault deletes the credential by itself, and which setting loses what a rotation needs.
func (v *verification) lookAtSettings(ctx context.Context) error {
	if v.VaultPath == "" {
		v.skip(checkSettings, checkPath)
		return nil
	}
	mount, err := v.Vault.Mount(ctx)
	if err != nil {
		return err
	}
	k := checkSettings
	problem, mend := mount.Wrong()
	if problem == "" {
		if problem, mend, err = v.lost(ctx, v.Tenant); err != nil {
			return err
		}
	}
	switch {
	case problem != "":
		k.next = mend
		v.add(k, false, "%s", problem)
	case v.stored != nil && !v.stored.Ends.IsZero():
		v.add(k, !v.endsSoon(*v.stored), "Vault deletes version %d at %s", v.stored.version, stamp(v.stored.Ends))
	default:
		v.add(k, true, "no setting is known that deletes it")
	}
	return nil
}

func (v *verification) lookAtOld(ctx context.Context) error {
	if v.VaultPath == "" {
		v.skip(checkOld, checkPath)
		return nil
	}
	metadata, err := v.Vault.Metadata(ctx, v.VaultPath)
	if err != nil {
		return err
	}
	old := slices.DeleteFunc(slices.Clone(metadata.Live), func(n int) bool { return n == metadata.Current })
	v.add(checkOld, len(old) == 0, "older versions that can be read: %v", old)
	return nil
}

// list is the first of names behind a word; empty if there are none.
func list(word string, names []string) string {
	const most = 5
	switch {
	case len(names) == 0:
		return ""
	case len(names) > most:
		return fmt.Sprintf("%s %s and %d more", word, strings.Join(names[:most], ", "), len(names)-most)
	}
	return word + " " + strings.Join(names, ", ")
}
