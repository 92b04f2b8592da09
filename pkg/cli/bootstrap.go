package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// bootstrapped is the result of bootstrap.
type bootstrapped struct {
	head
	Tenant string `json:"tenant"`
	// VaultPath is where the credential is, without the mount. Adopted says that it is an older app's of the team.
	VaultPath string       `json:"vaultPath"`
	Adopted   bool         `json:"adopted"`
	Steps     []robot.Step `json:"steps"`
}

func (r bootstrapped) write(w io.Writer) error {
	if r.Adopted {
		fmt.Fprintf(w, "team %s has its credential at %s already: a team has one, and this app uses it\n", r.Tenant, r.VaultPath)
	}
	return stepsTable(w, r.Steps)
}

// bootstrapFlags are the flags that say what is made beside the robot.
type bootstrapFlags struct {
	place
	robot.BootstrapOptions
	dryRun bool
}

// addBootstrapFlags defines them.
func (c *connection) addBootstrapFlags(cmd *cobra.Command, f *bootstrapFlags) {
	c.addPlaceFlags(cmd, &f.place)
	cmd.Flag("division").Usage = "`division` in the path in Vault"
	cmd.Flag("app").Usage = "`app` in the path in Vault"
	cmd.Flag("namespace").Usage = "`namespace` of the team, where its ExternalSecret is or comes to (default none: its runs are in the shared namespaces)"
	require(cmd, "give both: they name the path in Vault, as in --division retail --app checkout", "division", "app")
	flags := cmd.Flags()
	flags.StringArrayVar(&f.Repositories, "repo", nil, "`name` of a repository of the organization to have; may be repeated")
	flags.BoolVar(&f.CreateOrganization, "create-organization", false, "make the organization if it does not exist; the OAuth token needs user:admin")
	flags.StringVar(&f.Email, "email", "", "`address` of a new organization, where Quay wants one")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would be done, change nothing")
}

func (c *connection) newBootstrap() *cobra.Command {
	var flags bootstrapFlags
	cmd := &cobra.Command{
		Use:   "bootstrap TEAM --division DIVISION --app APP",
		Short: "Make a team's robot, prove its right to push, put its token into Vault",
		Long: `Makes the robot, gives it Write on the team's repositories and on those made later, proves with its own token that it may push
there and nowhere else, and writes it to Vault. Where the team has an ExternalSecret, it has External Secrets read that now, and
waits for the Secret. It has the organization keep the anchors of what is pushed, where Quay can, and warns where it cannot
(docs/retention.md). What is right already stays: run it again after any failure.`,
		Example: `  tkn quay bootstrap payments --division retail --app checkout --repo checkout
  tkn quay bootstrap payments --division retail --app checkout --dry-run -o json`,
		Args: arguments("a team"), ValidArgsFunction: c.completeTeam,
		RunE: func(cmd *cobra.Command, args []string) error {
			if given, err := flags.given(); err != nil || !given {
				if err == nil {
					err = usagef("see tkn quay bootstrap --help", "--division and --app are missing: they name the path in Vault")
				}
				return err
			}
			s, err := c.services(cmd.Context(), false)
			if err != nil {
				return err
			}
			result, _, err := c.bootstrap(cmd.Context(), s, args[0], flags)
			if err != nil {
				return err
			}
			return c.print(result)
		},
	}
	c.addBootstrapFlags(cmd, &flags)
	c.addQuayFlags(cmd)
	c.addVaultFlags(cmd)
	return cmd
}

// bootstrap makes the team's credential, or says what it would do.
func (c *connection) bootstrap(ctx context.Context, s services, team string, flags bootstrapFlags) (bootstrapped, robot.Tenant, error) {
	t, adopted, err := c.newTenant(ctx, s, team, flags.place)
	if err != nil {
		return bootstrapped{}, t, err
	}
	if flags.Repositories, err = s.cluster.ownRepositories(t, flags.Repositories); err != nil {
		return bootstrapped{}, t, err
	}
	if flags.Foreign, err = s.cluster.foreign(ctx, s.Quay, t.Team); err != nil {
		return bootstrapped{}, t, err
	}
	result := bootstrapped{head: newHead("Bootstrap"), Tenant: t.Team, VaultPath: t.VaultPath, Adopted: adopted}
	if flags.dryRun {
		result.Steps, err = robot.PlanBootstrap(ctx, s.Services, t, flags.BootstrapOptions)
		return result, t, err
	}
	progress := c.program.start("bootstrapping team " + t.Team)
	defer progress.stop()
	s.Report = progress.report
	result.Steps, err = robot.Bootstrap(ctx, s.Services, t, flags.BootstrapOptions)
	return result, t, err
}
