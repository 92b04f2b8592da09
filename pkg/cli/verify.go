package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/fleet"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// verified is the result of verify.
type verified struct {
	head
	Reports []robot.Report `json:"reports"`
}

func (v verified) write(w io.Writer) error {
	rows := [][]string{}
	for _, r := range v.Reports {
		for _, c := range r.Checks {
			// A platform of many tenants is read for what is wrong.
			if len(v.Reports) > 1 && c.Status == robot.Passed {
				continue
			}
			detail := c.Detail
			if c.Next != "" {
				detail += "; " + c.Next
			}
			if c.Cluster != "" && !strings.HasPrefix(detail, "cluster ") {
				detail = c.Cluster + ": " + detail
			}
			rows = append(rows, []string{r.Tenant, string(c.Status), c.ID, c.Title, detail})
		}
	}
	if len(v.Reports) == 0 {
		return nil
	}
	unproved, warnings := []string{}, grouped{}
	for _, r := range v.Reports {
		for _, what := range r.Warnings {
			warnings.add(what, r.Tenant)
		}
		for _, what := range r.Unproved {
			unproved = append(unproved, fmt.Sprintf("team %s, %s", r.Tenant, what))
		}
	}
	if err := table(w, []string{"TEAM", "STATUS", "CHECK", "WHAT", "FOUND"}, rows); err != nil {
		return err
	}
	writeLines(w, "not proved", unproved)
	writeLines(w, "warning", warnings.lines("team"))
	if len(v.Reports) > 1 {
		fmt.Fprintf(w, "%d tenants, %d are right\n", len(v.Reports), len(v.Reports)-v.wrong())
	}
	return nil
}

// wrong counts the tenants of which not every check passed.
func (v verified) wrong() (n int) {
	for _, r := range v.Reports {
		if !r.OK() {
			n++
		}
	}
	return n
}

// errNoTeam is that of a look at all teams, of which there are none.
var errNoTeam = &failure{ExitMissing, "no team has an ExternalSecret or is keyless: there was nothing to check", "tkn quay onboard makes one for a team; --context chooses another cluster"}

func (c *connection) newVerify() *cobra.Command {
	var at place
	var all, record bool
	var oauthPath string
	cmd := &cobra.Command{
		Use:   "verify TEAM | --all",
		Short: "Check a team's credential from Quay to the Secret, and that it opens nothing else",
		Long: `Looks, and changes nothing: Quay, Vault, ExternalSecret and Secret have the same token, the robot may push to the team's
repositories and to no other team's. Each finding has the row of the failure table that it explains (docs/failure-modes.md) and
the next step; the exit code is that of the worst row.

A keyless team has checks of its own: its robot trusts the cluster's ServiceAccount and nobody else, and no credential is stored.

With --all, every team that has an ExternalSecret, or is keyless; the table then has only what is wrong.`,
		Example: `  tkn quay verify payments
  tkn quay verify --all -o json`,
		Annotations: map[string]string{everyCluster: ""},
		Args:        cobra.ArbitraryArgs, ValidArgsFunction: c.completeTeam,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 1) || len(args) > 1 {
				return usagef("see tkn quay verify --help", "verify needs one team, or --all")
			}
			if all && at != (place{}) {
				return usagef("name the team, or leave them out", "--namespace, --division and --app are for one team, and do not go with --all")
			}
			if err := checkRecord(record, all); err != nil {
				return err
			}
			if err := checkOAuthPath(oauthPath); err != nil {
				return err
			}
			s, err := c.services(cmd.Context(), all)
			if err != nil {
				return err
			}
			result := verified{head: newHead("Verification")}
			if all {
				_, result.Reports, err = c.verifyAll(cmd.Context(), s)
			} else {
				result.Reports, err = c.verify(cmd.Context(), s, args[0], at)
			}
			if err != nil {
				return err
			}
			if err := c.print(result); err != nil {
				return err
			}
			if record {
				if err := c.recordVerification(cmd.Context(), result.Reports, s.Vault, oauthPath); err != nil {
					return err
				}
			}
			if len(result.Reports) == 0 {
				return errNoTeam
			}
			if result.wrong() == 0 {
				return nil
			}
			return &failure{exit: exitOfReports(result.Reports), problem: fmt.Sprintf("%d of %d tenants are not right", result.wrong(), len(result.Reports))}
		},
	}
	c.addPlaceFlags(cmd, &at)
	cmd.Flags().BoolVar(&all, "all", false, "every team that has an ExternalSecret, or is keyless")
	c.addIssuerFlag(cmd)
	addRecordFlag(cmd, &record, fleet.VerifyConfigMap)
	addOAuthPathFlag(cmd, &oauthPath, "with --record: ")
	c.addQuayFlags(cmd)
	c.addVaultFlags(cmd)
	return cmd
}

func (c *connection) verify(ctx context.Context, s services, team string, at place) ([]robot.Report, error) {
	t, err := c.tenant(ctx, s, team, at)
	if err != nil {
		return nil, err
	}
	foreign, err := s.cluster.foreign(ctx, s.Quay, t.Team)
	if err != nil {
		return nil, err
	}
	report, err := robot.Verify(ctx, s.Services, t, nil, foreign)
	return []robot.Report{report}, err
}

// verifyAll returns all tenants, and what was found of each.
func (c *connection) verifyAll(ctx context.Context, s services) ([]robot.Tenant, []robot.Report, error) {
	tenants, err := s.tenants(ctx)
	if err != nil {
		return nil, nil, err
	}
	progress := c.program.start(fmt.Sprintf("verifying %d tenants", len(tenants)))
	defer progress.stop()
	reports, err := robot.VerifyAll(ctx, s.Services, tenants)
	return tenants, reports, err
}
