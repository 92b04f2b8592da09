package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// lookAtVaultToken asks Vault what the tool's own token may do with a tenant's path.
func (d *doctor) lookAtVaultToken(ctx context.Context) {
	if d.noTenant(lookVaultToken) {
		return
	}
	v, err := d.vault(ctx)
	if err != nil {
		d.cannot(err, lookVaultToken)
		return
	}
	d.lookAtCapabilities(ctx, v, lookVaultToken, "your Vault token", "give your token the policy of docs/cli.md",
		[]string{"data", "create"}, []string{"data", "update"}, []string{"data", "read"}, []string{"metadata", "read"}, []string{"destroy", "update"})
}

// lookAtVaultRole logs in to Vault as External Secrets does, and asks what it may read then.
func (d *doctor) lookAtVaultRole(ctx context.Context) {
	if d.noTenant(lookVaultRole) {
		return
	}
	login, err := d.storeLogin(ctx, d.tenants[0].Namespace)
	if exitOf(ctx, err) == ExitMissing {
		problem, next := split(err)
		d.addAs(sick, lookVaultRole, next, problem)
		return
	} else if err != nil {
		d.cannot(err, lookVaultRole)
		return
	}
	v, err := d.openVault(secret.Value{})
	if err != nil {
		d.cannot(err, lookVaultRole)
		return
	}
	err = v.LoginKubernetes(ctx, login.mount, login.role, func() (secret.Value, error) { return login.token, nil })
	switch {
	case errors.Is(err, vault.ErrUnreachable), errors.Is(err, vault.ErrBlocked), ctx.Err() != nil:
		d.cannot(err, lookVaultRole)
	case err != nil:
		d.addAs(sick, lookVaultRole, login.next(err), fmt.Sprintf("External Secrets cannot log in as ServiceAccount %q: %v", login.namespace+"/"+login.account, err))
	default:
		d.lookAtCapabilities(ctx, v, lookVaultRole, "External Secrets",
			"render policy and role with tkn quay onboard platform: * in a policy matches only at its end, + is one element", []string{"data", "read"})
	}
}

// lookAtCapabilities looks for pairs of section and capability on the path of a tenant.
func (d *doctor) lookAtCapabilities(ctx context.Context, v Vault, id, who, next string, wanted ...[]string) {
	path := d.tenants[0].VaultPath
	lacking := []string{}
	for _, want := range wanted {
		has, err := v.Capabilities(ctx, want[0], path)
		if err != nil {
			d.cannot(err, id)
			return
		}
		if !slices.Contains(has, want[1]) && !slices.Contains(has, "root") {
			lacking = append(lacking, want[1]+" on "+want[0])
		}
	}
	d.add(id, len(lacking) == 0, next, fmt.Sprintf("%s has every right that it needs on %q", who, path),
		fmt.Sprintf("%s lacks %s of %q", who, strings.Join(lacking, ", "), path))
}
