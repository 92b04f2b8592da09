package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// rotated is the result of rotate.
type rotated struct {
	head
	Tenant string `json:"tenant"`
	// Robot is the robot in use now. Resumed says that an unfinished rotation was finished and no new one begun.
	Robot   string `json:"robot"`
	Resumed bool   `json:"resumed"`
	// OutageSeconds is how long no credential in the cluster was good; 0 unless in place.
	OutageSeconds float64      `json:"outageSeconds"`
	Steps         []robot.Step `json:"steps"`
}

func (r rotated) write(w io.Writer) error {
	if err := stepsTable(w, r.Steps); err != nil {
		return err
	}
	if r.OutageSeconds > 0 {
		fmt.Fprintf(w, "pushes of team %s failed for %.1fs\n", r.Tenant, r.OutageSeconds)
	}
	_, err := fmt.Fprintf(w, "team %s pushes with %s\n", r.Tenant, r.Robot)
	return err
}

// defaultRotateTimeout is longer than most pipelines take.
const defaultRotateTimeout = time.Hour

func (c *connection) newRotate() *cobra.Command {
	var at place
	var opts robot.RotateOptions
	var many rotateAllFlags
	var dryRun, yes bool
	cmd := &cobra.Command{
		Use:   "rotate TEAM | --all",
		Short: "Give a team a new robot, without a failed push",
		Long: `Makes a robot of the next name (ci, ci-2, ci-3 …) and proves its right; Vault and the Secret take it over, and the runs that began
with the old one end. Then the old robot loses its rights and its token and is deleted, and its copies in Vault are destroyed. After a
failure, or when the time is up, run it again: it goes on where it was.

--in-place replaces the token of the robot in use, as Quay's own pages do: every push fails from then until the Secret has the new
one. How long that was is in the result. From Quay v3.13 on that does not end what the old token bought: Quay takes a bearer token for
the robot's password.

Of a keyless team the ServiceAccount names the new robot in place of Vault and Secret, by its annotation robot-successor. That is how to
end what was bought with the robot before: a token that nobody keeps cannot be too old.

With --all, every team that has an ExternalSecret and a token older than --max-age, or that is keyless and whose robot is, the oldest
first, a few at once; an unfinished rotation is finished whatever its age. What is wrong with one team does not stop the others.
--timeout is for each team: one whose runs have not ended by then is named, and the next run goes on with it.`,
		Example: `  tkn quay rotate payments --dry-run
  tkn quay rotate payments --max-age 720h
  tkn quay rotate --all --max-age 720h --timeout 20m`,
		Annotations: map[string]string{everyCluster: "", timeoutOfEach: "all"},
		Args:        atMostOne, ValidArgsFunction: c.completeTeam,
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.MaxAge < 0 {
				return usagef("give a duration such as 720h", "--max-age is %s", opts.MaxAge)
			}
			if err := many.check(cmd, args, at, opts, dryRun); err != nil {
				return err
			}
			if many.all {
				return c.rotateAll(cmd, robot.RotateAllOptions{MaxAge: opts.MaxAge, Parallel: many.parallel, DryRun: dryRun}, many.record)
			}
			if opts.InPlace && !dryRun {
				if err := c.confirm(cmd.Context(), yes, fmt.Sprintf("Pushes of team %s fail until its Secret has the new token. Go on?", args[0])); err != nil {
					return err
				}
			}
			s, t, err := c.serve(cmd.Context(), args[0], at)
			if err != nil {
				return err
			}
			if opts.Foreign, err = s.cluster.foreign(cmd.Context(), s.Quay, t.Team); err != nil {
				return err
			}
			var done robot.RotateResult
			if dryRun {
				done, err = robot.PlanRotate(cmd.Context(), s.Services, t, opts)
			} else {
				done, err = c.rotate(cmd.Context(), s, t, opts)
			}
			if err != nil {
				return err
			}
			return c.print(rotated{head: newHead("Rotation"), Tenant: t.Team, Robot: done.Robot, Resumed: done.Resumed,
				OutageSeconds: done.Outage.Seconds(), Steps: done.Steps})
		},
	}
	c.addPlaceFlags(cmd, &at)
	cmd.Flags().BoolVar(&opts.InPlace, "in-place", false, "replace the token of the robot in use; pushes fail meanwhile")
	cmd.Flags().DurationVar(&opts.MaxAge, "max-age", 0, "leave a token alone that is younger; an unfinished rotation is finished anyway")
	cmd.Flags().Duration("timeout", defaultRotateTimeout, "limit for all of it, waiting for runs included, as a `duration`; with --all for each team")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be done, change nothing")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask before --in-place")
	addRotateAllFlags(cmd, &many)
	c.addIssuerFlag(cmd)
	c.addRateFlag(cmd)
	c.addQuayFlags(cmd)
	c.addVaultFlags(cmd)
	return cmd
}

// rotate rotates while nobody else does.
func (c *connection) rotate(ctx context.Context, s services, t robot.Tenant, opts robot.RotateOptions) (done robot.RotateResult, err error) {
	progress := c.program.start("waiting for the Lease of team " + t.Team)
	defer progress.stop()
	s.Report = progress.report
	err = c.exclusively(ctx, t.Team, func(ctx context.Context) (err error) {
		done, err = robot.Rotate(ctx, s.Services, t, opts)
		return err
	})
	return done, err
}
