package cli

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// adoptee returns the tenant that the team is to be, and with what it pushes already.
func (c *connection) adoptee(ctx context.Context, s services, name string, flags adoptFlags) (robot.Tenant, robot.AdoptOptions, error) {
	view := s.cluster
	opts := robot.AdoptOptions{Robot: flags.robot, FixPermissions: flags.fix, VaultPath: strings.TrimPrefix(flags.vaultPath, view.config.VaultMount+"/data/")}
	none := robot.Tenant{}
	team, err := view.config.ParseTeam(name)
	if err != nil {
		return none, opts, usagef("correct the name", "%v", err)
	}
	if flags.robot != "" && !view.config.Names(team).OwnsRobot(flags.robot) {
		// The controller would refuse all of config-tenancy for a name that is none.
		names := view.config.Convention
		names.AdoptedRobots = []string{flags.robot}
		if err := names.Validate(); err != nil {
			return none, opts, usagef("write it as Quay shows it, as in --robot team-payments+jenkins", "--robot: %v", err)
		}
	}
	if opts.VaultPath != "" {
		if err := vault.CheckPath(opts.VaultPath); err != nil {
			return none, opts, usagef("write it without the mount, as in --vault-path teams/payments/quay", "--vault-path: %v", err)
		}
	}
	if flags.secret != "" {
		at, err := parsePlace("--from-secret", "openshift-pipelines/quay-push", flags.secret)
		if err != nil {
			return none, opts, err
		}
		opts.Secret = &robot.Place{Namespace: at.Namespace, Name: at.Name}
	}
	all, err := view.tenants(ctx)
	if err != nil {
		return none, opts, err
	}
	keyless, namespace := false, view.home(flags.namespace)
	for _, other := range all {
		if other.Team != team {
			opts.Others = append(opts.Others, other)
			continue
		}
		if keyless = keyless || other.Keyless; flags.namespace == "" {
			namespace = other.Namespace
		}
	}
	if opts.VaultPath == "" && opts.Secret == nil {
		e, err := view.ExternalSecret(ctx, namespace, view.config.Names(team).Secret)
		if err != nil && !errors.Is(err, robot.ErrNotFound) {
			return none, opts, err
		} else if e.Odd == "" {
			opts.VaultPath = e.Path
		}
	}
	t, err := view.tenantOf(team, opts.VaultPath, flags.place)
	if err != nil {
		return none, opts, err
	}
	t.Namespace, t.Keyless = namespace, keyless
	opts.Foreign, err = view.foreign(ctx, s.Quay, t.Team)
	return t, opts, err
}

// tenantOf names the team by its division and app, or else by a path in Vault that has the convention's layout.
func (c *cluster) tenantOf(team, path string, p place) (robot.Tenant, error) {
	division, app, ok := robot.Layout(c.config.Convention, team, path)
	switch {
	case p.division == "" && !ok:
		return robot.Tenant{}, usagef("give both: they name the path in Vault, as in --division retail --app checkout", "--division and --app are missing")
	case ok && p.division != "" && (p.division != division || p.app != app):
		return robot.Tenant{}, usagef("leave them out: a team has one credential, which stays at that path",
			"--division %s and --app %s name another path than %q, where the team's credential is", p.division, p.app, path)
	}
	t, err := robot.NewTenant(c.config.Convention, team, cmp.Or(p.division, division), cmp.Or(p.app, app))
	if err != nil {
		return t, usagef("correct the name", "%v", err)
	}
	return t, nil
}
