package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// leaked is the result of leak.
type leaked struct {
	head
	robot.LeakReport
}

func (l leaked) write(w io.Writer) error { return l.WriteMarkdown(w) }

// waitForRuns is the flag of leak by which it waits for runs.
const waitForRuns = "wait-for-runs"

// replaces reports whether the command is a leak that makes the new robot first.
func replaces(cmd *cobra.Command) bool {
	return cmd.Flag(waitForRuns) != nil && cmd.Flag("first").Value.String() == string(robot.FirstReplace)
}

func (c *connection) newLeak() *cobra.Command {
	at := place{orElse: "if Vault still has its credential; of a team that was offboarded no token is left to burn"}
	var since, first string
	var runs time.Duration
	var dryRun, yes bool
	cmd := &cobra.Command{
		Use:   "leak TEAM --since TIME",
		Short: "End a leaked robot for good, give the team another, list what was pushed since",
		Long: `Ends every robot that the team has: takes its rights, burns its token and deletes it. A new token alone would end nothing, since Quay takes a
bearer token that a robot bought for its password. Another robot takes over; pushes of the team fail until the Secret has its token.
--first replace makes the new robot first and lets the runs end that began with the old one, so that pushes go on; whoever has the leaked
token can push until then.

Of a keyless team that is also the end of whom its robots trust; its ServiceAccount names the new one, by its annotation robot-successor.

Then it lists what was pushed and which tags were moved since the given time, and checks the chain. The report is Markdown, or JSON and
YAML by -o. It says until when a bearer token that was bought before can still be used.`,
		Example: `  tkn quay leak payments --since 72h --dry-run
  tkn quay leak payments --since 2026-11-24T08:00:00Z > incident.md
  tkn quay leak payments --since 720h --first replace`,
		Annotations: map[string]string{everyCluster: ""},
		Args:        arguments("a team"), ValidArgsFunction: c.completeTeam,
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := parseSince(since, c.program.Now())
			if err != nil {
				return err
			}
			way, ask := robot.First(first), "The robots of team %s are ended now, and its pushes fail until its Secret has the new token. Go on?"
			switch way {
			case robot.FirstBurn:
				if cmd.Flag(waitForRuns).Changed {
					return usagef("leave it out, or use --first replace", "--%s goes with --first replace: where the leaked robots are ended first, no run is waited for", waitForRuns)
				}
			case robot.FirstReplace:
				if runs < 0 {
					return usagef("give a duration such as 15m, or 0 to wait for none", "--%s is %s", waitForRuns, runs)
				}
				ask = "Team %s gets a new robot, then its robots of now are ended. Go on?"
			default:
				return usagef("use burn or replace", "--first is %q", first)
			}
			if !dryRun {
				if err := c.confirm(cmd.Context(), yes, fmt.Sprintf(ask, args[0])); err != nil {
					return err
				}
			}
			s, t, err := c.serve(cmd.Context(), args[0], at)
			if err != nil {
				return err
			}
			result, opts := leaked{head: newHead("LeakReport")}, robot.LeakOptions{Since: from, First: way, Runs: runs}
			if dryRun {
				result.LeakReport, err = robot.PlanLeak(cmd.Context(), s.Services, t, opts)
			} else {
				result.LeakReport, err = c.leak(cmd.Context(), s, t, opts)
			}
			// What was found until an error is what there is in an incident.
			if result.Burnt.IsZero() && len(result.Steps) == 0 && err != nil {
				return err
			}
			if printed := c.print(result); printed != nil {
				return printed
			}
			return err
		},
	}
	c.addPlaceFlags(cmd, &at)
	cmd.Flags().StringVar(&since, "since", "", "`time` from which on the token may be known: RFC 3339, or a duration such as 72h")
	require(cmd, "say since when the token may be known, such as --since 72h", "since")
	cmd.Flags().StringVar(&first, "first", string(robot.FirstBurn), "what comes first: `burn`, which ends the leaked robots at once, or replace, by which the team's pushes go on")
	cmd.Flags().DurationVar(&runs, waitForRuns, defaultRotateTimeout, "with --first replace, and beside --timeout: for how long at most runs are waited for that began with the old token")
	cmd.Flags().BoolVar(&yes, "yes", false, "burn without asking; without a terminal nothing is asked")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "burn nothing: list the pushes, and say what would be done")
	c.addIssuerFlag(cmd)
	c.addQuayFlags(cmd)
	c.addVaultFlags(cmd)
	return cmd
}

func (c *connection) leak(ctx context.Context, s services, t robot.Tenant, opts robot.LeakOptions) (robot.LeakReport, error) {
	progress := c.program.start("ending the robots of team " + t.Team)
	defer progress.stop()
	s.Report = progress.report
	return robot.Leak(ctx, s.Services, t, opts)
}

// parseSince reads a time or a duration before now.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, usagef("say since when, such as --since 72h", "--since is missing")
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		return time.Time{}, usagef("write 2026-11-24T08:00:00Z or 72h", "--since %q is neither a time nor a duration", text)
	case at.After(now):
		return time.Time{}, usagef("give a time in the past", "--since %q has not come yet", text)
	}
	return at, nil
}
