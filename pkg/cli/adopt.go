package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// adoptFlags say with what the team pushes already.
type adoptFlags struct {
	place
	// vaultPath is where in Vault, secret the NAMESPACE/NAME of a Secret, robot the robot's full name.
	vaultPath, secret, robot string
	fix, dryRun              bool
	account                  string
}

func (c *connection) newAdopt() *cobra.Command {
	var flags adoptFlags
	var to destination
	var team onboard.Team
	cmd := &cobra.Command{
		Use:   "adopt TEAM",
		Short: "Bring in a team that pushes already, with the token that it has",
		Long: `Brings in a team whose robot, path in Vault or Secret somebody made by hand, without a new token. It looks at all of that first: that Quay
takes the token, whose robot it is, that the robot may push to all of the team's repositories and do no more, that no other team has the
same, and that External Secrets can take the Secret over. If anything stands against it, it says all of that and changes nothing.

Then the credential is written to the team's path in Vault, unless it is there, and the team's manifests are printed as with onboard: from
that path External Secrets renders the same token again. No token is made or replaced, no credential overwritten, nothing deleted. From then
on verify and rotate work as for any team; the first rotation has a robot of ours take over, and ends the adopted one wherever it is used.

The credential is at the team's path, unless --vault-path or --from-secret names another place, which stays as it is. In Vault it is
username with token or password, or a .dockerconfigjson alone. A robot of another name than the team's robots have is given with --robot:
config-tenancy then has it in adopted-robots. It is safe to run again after any failure.`,
		Example: `  tkn quay adopt payments --division retail --app checkout --dry-run
  tkn quay adopt payments --division retail --app checkout --from-secret openshift-pipelines/quay-push --output-dir tenants/payments
  tkn quay adopt payments --division retail --app checkout --vault-path teams/payments/quay --robot team-payments+jenkins --apply`,
		Args: arguments("a team"), ValidArgsFunction: c.completeTeam,
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.vaultPath != "" && flags.secret != "" {
				return usagef("give the place from which the team's pushes take it", "--vault-path and --from-secret exclude each other")
			}
			if _, err := flags.given(); err != nil {
				return err
			}
			var err error
			if team.Trigger, err = parseAccount(flags.account); err != nil {
				return err
			}
			if err := to.check(); err != nil {
				return err
			}
			return c.adopt(cmd.Context(), args[0], flags, team, to)
		},
	}
	c.addPlaceFlags(cmd, &flags.place)
	cmd.Flag("division").Usage = "`division` in the path in Vault (default that of --vault-path, where it has the layout of config-tenancy)"
	cmd.Flag("namespace").Usage = "`namespace` of the team, which gets its labels (default none: its runs are in the shared namespaces)"
	own := cmd.Flags()
	own.StringVar(&flags.vaultPath, "vault-path", "", "`path` in Vault where the credential is, without the mount (default what the ExternalSecret reads, else the team's own)")
	own.StringVar(&flags.secret, "from-secret", "", "`NAMESPACE/NAME` of the Secret that has the credential, which Vault has not")
	own.StringVar(&flags.robot, "robot", "", "full `name` of the robot, where it is none that robot-names of config-tenancy has")
	own.BoolVar(&flags.fix, "fix-permissions", false, "give the robot what onboard would, and take what it may do beyond that")
	own.StringVar(&flags.account, "service-account", "", "`NAMESPACE/NAME` of the trigger that may push as the team in the shared namespaces")
	own.BoolVar(&team.VersionAnnotation, "version-annotation", false, "write the version in Vault on the Secret; needs External Secrets v2.8")
	own.BoolVar(&flags.dryRun, "dry-run", false, "say what was found and what would be changed, change nothing")
	to.addFlags(cmd)
	c.addQuayFlags(cmd)
	c.addVaultFlags(cmd)
	return cmd
}

// adopt takes the team's credential over, and delivers its manifests.
func (c *connection) adopt(ctx context.Context, name string, flags adoptFlags, team onboard.Team, to destination) error {
	s, err := c.services(ctx, false)
	if err != nil {
		return err
	}
	view := s.cluster
	if err := c.checkHome(ctx, view, name, flags.namespace); err != nil {
		return err
	}
	t, opts, err := c.adoptee(ctx, s, name, flags)
	if err != nil {
		return err
	}
	adopted := onboarded{head: newHead("Adoption"), Tenant: t.Team}
	result, err := c.takeCredential(ctx, s, t, opts, flags.dryRun)
	adopted.Steps = result.Steps
	if err != nil {
		if printed := c.print(adopted); printed != nil {
			return printed
		}
		return err
	}
	if team.NullBytePolicy, err = view.hasNullBytePolicy(ctx); err != nil {
		return err
	}
	team.Convention, team.Tenant, team.Namespace, team.Custody = view.config.Convention, t, flags.namespace, view.config.CustodyNamespace != ""
	files := team.Manifests()
	naming := newNaming(view, t.Team, result.Robot)
	if adopted.Commands, err = naming.commands(ctx); err != nil {
		return err
	}
	switch {
	case flags.dryRun || to.directory != "":
		steps, err := view.differences(ctx, files)
		adopted.Steps = append(adopted.Steps, steps...)
		if err != nil {
			return err
		}
	case to.apply:
		if err := naming.apply(ctx, c.configFile); err != nil {
			return err
		}
		adopted.Commands = nil
	}
	store, err := view.lookAtStore(ctx, t)
	if err != nil {
		return err
	} else if store != nil {
		adopted.Steps = append(adopted.Steps, *store)
	}
	adopted.Commands = append(adopted.Commands, "tkn quay verify "+t.Team)
	if flags.dryRun {
		return c.print(adopted)
	} else if store != nil {
		progress := c.program.start(store.Title)
		progress.report(*store)
		progress.stop()
	}
	return c.deliver(ctx, adopted, files, to)
}

// takeCredential has the credential in Vault, or says what that would take.
func (c *connection) takeCredential(ctx context.Context, s services, t robot.Tenant, opts robot.AdoptOptions, dryRun bool) (robot.AdoptResult, error) {
	if dryRun {
		return robot.PlanAdopt(ctx, s.Services, t, opts)
	}
	progress := c.program.start("adopting team " + t.Team)
	defer progress.stop()
	s.Report = progress.report
	return robot.Adopt(ctx, s.Services, t, opts)
}

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

// differences says of each object of the manifests whether the cluster has it, and what apply would change in it.
func (c *cluster) differences(ctx context.Context, files []onboard.Manifest) ([]robot.Step, error) {
	steps := []robot.Step{}
	for _, m := range files {
		for _, o := range m.Objects {
			step, err := c.difference(ctx, o)
			if err != nil {
				return steps, err
			}
			steps = append(steps, step)
		}
	}
	return steps, nil
}

// list is at most five of texts, in order.
func list(texts []string) string {
	const most = 5
	slices.Sort(texts)
	if more := len(texts) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(texts[:most], ", "), more)
	}
	return strings.Join(texts, ", ")
}
