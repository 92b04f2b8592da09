package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/fleet"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// defaultParallel is how many teams rotate --all works on at once.
const defaultParallel = 4

// rotateAllFlags are the flags that go with --all alone.
type rotateAllFlags struct {
	all      bool
	parallel int
	record   bool
}

// addRotateAllFlags defines them.
func addRotateAllFlags(cmd *cobra.Command, f *rotateAllFlags) {
	cmd.Flags().BoolVar(&f.all, "all", false, "every team that has an ExternalSecret, or is keyless; needs --max-age")
	addRecordFlag(cmd, &f.record, fleet.RotateConfigMap)
	cmd.Flags().IntVar(&f.parallel, "parallel", defaultParallel, "with --all: how many `teams` are worked on at once")
}

// check refuses a command line that is neither for one team nor for all.
func (f *rotateAllFlags) check(cmd *cobra.Command, args []string, at place, opts robot.RotateOptions, dryRun bool) error {
	switch {
	case f.all == (len(args) == 1):
		return usagef("see tkn quay rotate --help", "rotate needs one team, or --all")
	case !f.all && cmd.Flag("parallel").Changed:
		return usagef("leave it out, or use --all", "--parallel is for --all, and one team was named")
	case !f.all:
		return checkRecord(f.record, f.all)
	case at != (place{}):
		return usagef("name the team, or leave them out", "--namespace, --division and --app are for one team, and do not go with --all")
	case opts.InPlace:
		return usagef("leave out --in-place, or name one team", "--in-place does not go with --all: the pushes of every team would fail")
	case opts.MaxAge == 0:
		return usagef("give the age from which on a token is replaced, such as --max-age 720h",
			"--all needs --max-age: without it each run, and each that is to finish another, would replace every token again")
	case f.record && dryRun:
		return usagef("leave out one of them", "--record does not go with --dry-run: nothing is done that could be recorded")
	case f.parallel < 1:
		return usagef("give 1 or more", "--parallel is %d", f.parallel)
	}
	return nil
}

// rotateAll rotates all teams, prints what became of them, and returns an error if one is left.
func (c *connection) rotateAll(cmd *cobra.Command, opts robot.RotateAllOptions, record bool) error {
	ctx := cmd.Context()
	timeout, err := cmd.Flags().GetDuration("timeout")
	if err != nil {
		return err
	}
	s, err := c.services(ctx, true)
	if err != nil {
		return err
	}
	tenants, err := s.tenants(ctx)
	if err != nil {
		return err
	}
	if len(tenants) == 0 {
		return &failure{ExitMissing, "no team has an ExternalSecret, or is keyless: there was nothing to rotate", "tkn quay onboard makes one for a team; --context chooses another cluster"}
	}
	opts.Timeout, opts.Exclusively = timeout, c.exclusively
	if record {
		opts.Tried = c.lastRotation(ctx).Tried
	}
	progress := c.program.start(fmt.Sprintf("reading the ages of %d credentials", len(tenants)))
	ended, began := 0, c.program.Now()
	opts.Ended = func(t robot.TeamRotation) {
		ended++
		state := string(t.Outcome)
		if t.Outcome == robot.OutcomeKept {
			state = "" // There may be a thousand of them.
		}
		progress.oneOfMany(state, fmt.Sprintf("team %s (%d of %d)", t.Team, ended, len(tenants)), fmt.Sprintf("%d of %d teams are done", ended, len(tenants)))
	}
	done := robot.RotateAll(ctx, s.Services, tenants, opts)
	progress.stop()
	result := newRotatedAll(ctx, done, opts, began)
	if err := c.print(result); err != nil {
		return err
	}
	left := leftOver(ctx, done)
	if record {
		if err := c.recordRotation(ctx, ctx.Err() == nil && done.Stopped == nil, opts.MaxAge, done.Teams); err != nil {
			return err
		}
	}
	return left
}

// nextGoesOn is the next step for what was stopped on the way.
const nextGoesOn = "run it again: it goes on from here"

// leftOver is the error of a run after which teams are left to be rotated; nil if none is.
func leftOver(ctx context.Context, done robot.RotateAllResult) error {
	left, exits := 0, map[Exit]bool{}
	for _, t := range done.Teams {
		if t.Err != nil || t.Outcome == robot.OutcomeNotBegun {
			left++
		}
		if t.Err != nil {
			exits[exitOfTeam(ctx, t)] = true
		}
	}
	if left == 0 {
		return nil
	}
	problem := fmt.Sprintf("%d of %d teams are left", left, len(done.Teams))
	switch {
	case ctx.Err() != nil:
		return &failure{ExitCancelled, "it was stopped: " + problem, nextGoesOn}
	case done.Stopped != nil:
		why, next := split(done.Stopped)
		return &failure{exitOf(ctx, done.Stopped), problem + ", and no further one was begun, since all would meet what one has met: " + why, next}
	}
	exit := ExitFindings
	if len(exits) == 1 {
		for exit = range exits {
		}
	}
	return &failure{exit, problem, "do what is said of each, then run it again: it leaves alone what is done"}
}

// exitOfTeam is the exit code that rotate for this team alone would have.
func exitOfTeam(ctx context.Context, t robot.TeamRotation) Exit {
	switch t.Outcome {
	case robot.OutcomeWaiting:
		return ExitTimeout
	case robot.OutcomeStopped:
		return ExitCancelled
	}
	return exitOf(ctx, t.Err)
}

// ageOf is how old a credential was at a time, to the minute, for people; empty if that is not known.
func ageOf(t robot.TeamRotation, now time.Time) string {
	if t.Written.IsZero() {
		return ""
	}
	return now.Sub(t.Written).Round(time.Minute).String()
}
