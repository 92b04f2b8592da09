package robot

import (
	"context"
	"errors"
	"slices"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/shown"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

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
	v.add(checkVaultData, whole && found.username != "" && !found.token.IsZero(), "version %d has the keys %q", secret.Version, secret.Data.Keys())
	owned := v.OwnsRobot(found.username)
	v.add(checkVaultRobot, owned, "it is %s", shown.QuotedRobot(found.username))
	if owned {
		v.report.Robot, v.report.Written = found.username, secret.Created
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
		if v.robots, err = v.accounts(ctx, v.Tenant); err != nil {
			return err
		}
		equal := robot.Token.Equal(v.stored.token)
		v.add(checkVaultToken, equal, "the tokens of %q are equal: %t", robot.Name, equal)
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
	unseen, right, err := v.unseen(ctx, v.Tenant)
	switch {
	case err != nil:
		return err
	case problem != "":
		k.next = mend
		v.add(k, false, "%s", problem)
	case unseen != "" && (v.stored == nil || !v.endsSoon(*v.stored)):
		c := k.with(Skipped, unseen)
		c.Next = right
		v.append(c)
	case v.stored != nil && !v.stored.Ends.IsZero():
		v.add(k, !v.endsSoon(*v.stored), "Vault deletes version %d at %s", v.stored.version, stamp(v.stored.Ends))
	default:
		v.add(k, true, "no setting is known that deletes it")
	}
	return nil
}
