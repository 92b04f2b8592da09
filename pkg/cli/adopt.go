package cli

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/robot"
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
		Short: "Bring in a team that already pushes, with the token it has",
		Long: `Brings in a team whose robot, path in Vault or Secret was made by hand, without a new token. It first checks that Quay takes the token, whose
robot it is, that the robot may push to all of the team's repositories and do no more, that no other team uses the same robot, and that
External Secrets can take over the Secret. If anything prevents it, it lists all of that and changes nothing.

Then it writes the credential to the team's path in Vault, unless it is there, and prints the team's manifests like onboard: External
Secrets renders the same token again from that path. It makes or replaces no token, overwrites no credential and deletes nothing. From then
on verify and rotate work as for any team; the first rotation makes the team's next robot, and ends the adopted one wherever it is used.

The credential is at the team's path, unless --vault-path or --from-secret names another place, which stays as it is. In Vault it is
username with token or password, or only a .dockerconfigjson. Give a robot whose name is not one of the team's with --robot: it must then
be in adopted-robots of config-tenancy. It is safe to run again after any failure.`,
		Example: `  tkn quay adopt payments --division retail --app checkout --dry-run
  tkn quay adopt payments --division retail --app checkout --from-secret openshift-pipelines/quay-push --output-dir tenants/payments
  tkn quay adopt payments --division retail --app checkout --vault-path teams/payments/quay --robot team-payments+jenkins --apply`,
		Args: arguments("a team"), ValidArgsFunction: c.completeTeam,
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.vaultPath != "" && flags.secret != "" {
				return usagef("give the place from which the team's pushes take it", "--vault-path and --from-secret cannot be used together")
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
	cmd.Flag("division").Usage = "`division` in the path in Vault (default that of --vault-path, if that has the layout of config-tenancy)"
	addTeamFlags(cmd, &flags.account, &team)
	own := cmd.Flags()
	own.StringVar(&flags.vaultPath, "vault-path", "", "`path` in Vault where the credential is, without the mount (default what the ExternalSecret reads, else the team's own)")
	own.StringVar(&flags.secret, "from-secret", "", "`NAMESPACE/NAME` of the Secret with the credential, for a credential that is not in Vault")
	own.StringVar(&flags.robot, "robot", "", "full `name` of the robot, if robot-names of config-tenancy does not have it")
	own.BoolVar(&flags.fix, "fix-permissions", false, "give the robot what onboard would, and take away what exceeds that")
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
		if flags.dryRun {
			err = cmp.Or(c.print(adopted), err)
		}
		return err
	}
	if err := view.describe(ctx, &team, t, flags.namespace); err != nil {
		return err
	}
	files := team.Manifests()
	naming := newNaming(view, t.Team, result.Robot)
	adopted.Commands = naming.commands()
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
