package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/retention"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// defaultGrace is longer than the two weeks of Quay's time machine, and than most freezes.
const defaultGrace = 30 * 24 * time.Hour

// retentionFlags are the flags of retention gc.
type retentionFlags struct {
	gitFlags
	all, dryRun, yes bool
	protected        []string
	allowUnrelated   bool
	grace            time.Duration
	parallel         int
}

func (c *connection) newRetention() *cobra.Command {
	return newGroup("retention", "Let go of anchors, which keep images, once nothing needs them", c.newRetentionGC())
}

func (c *connection) newRetentionGC() *cobra.Command {
	var f retentionFlags
	cmd := &cobra.Command{
		Use:   "gc TEAM... | --all --gitops URL",
		Short: "Delete the anchors of digests that nothing needs",
		Long: `Every push sets an anchor, the tag digest-<32 hex>, which keeps the digest when other tags move on. This command deletes anchors, and no other
tag, unless something needs them: a branch or tag of the GitOps repository, a Pod of the clusters or what makes Pods there, or the grace
period. docs/retention.md has the rules.

Whatever could not be looked up may need anything: it keeps what it may need, and the exit code is not 0. The command looks again before it
deletes anchors, and once more afterwards; it restores those that came to be needed meanwhile.

The clusters are that of the context and those of config-tenancy; name every other one in which images run with --context.`,
		Example: `  tkn quay retention gc payments --gitops https://gitlab.example.com/platform/gitops.git --git-credential-dir ./git --dry-run
  tkn quay retention gc --all --gitops https://gitlab.example.com/platform/gitops.git --git-credential-dir ./git --yes`,
		Annotations:       map[string]string{everyCluster: ""},
		ValidArgsFunction: c.completeTeam,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(args); err != nil {
				return err
			}
			if !f.dryRun {
				if !f.yes && !c.program.Terminal() {
					return usagef("look at it with --dry-run, then repeat it with --yes", "--yes is missing, and there is no terminal to ask on: an image that Quay drops cannot be brought back by this tool")
				}
				if err := c.confirm(cmd.Context(), f.yes, "Anchors that nothing needs are deleted, and Quay drops their images. Go on?"); err != nil {
					return err
				}
			}
			return c.collect(cmd.Context(), f, args)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.all, "all", false, "every team that has an ExternalSecret, or is keyless")
	f.add(cmd)
	flags.StringArrayVar(&f.protected, "protected-ref", nil, "`pattern` of branches, such as main or release/*, or with refs/tags/ of tags, to which nobody pushes without review: only what cannot be looked up there keeps anchors (default all)")
	flags.BoolVar(&f.allowUnrelated, "allow-unrelated", false, "let anchors go even if a --gitops repository names no image that is looked at")
	flags.DurationVar(&f.grace, "grace", defaultGrace, "how long an anchor stays after it was set, after another tag left its digest, and after a branch had it, as a `duration`")
	flags.IntVar(&f.parallel, "parallel", defaultParallel, "how many `repositories` and clusters to look at at once")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would be done, change nothing")
	flags.BoolVar(&f.yes, "yes", false, "do it without asking")
	require(cmd, "name the repository that pins digests, such as --gitops https://gitlab.example.com/platform/gitops.git", "gitops")
	c.addQuayFlags(cmd)
	flags.Float64Var(&c.quayRate, "rate", 0, "`requests` per second to Quay at most (default 40; 120 where Quay's own limits are off)")
	return cmd
}

// check refuses what cannot be meant.
func (f *retentionFlags) check(teams []string) error {
	switch {
	case f.all && len(teams) > 0:
		return usagef("leave out the teams, or --all", "retention gc takes teams or --all, not both")
	case !f.all && len(teams) == 0:
		return usagef("see tkn quay retention gc --help", "retention gc needs teams, or --all")
	case f.grace < 24*time.Hour:
		return usagef("give a day or more, such as --grace 720h", "--grace is %s: a digest that was pushed and not yet merged would be lost", shown.Duration(f.grace))
	case f.parallel < 1:
		return usagef("give 1 or more", "--parallel is %d", f.parallel)
	}
	for _, pattern := range f.protected {
		if err := retention.CheckProtected(pattern); err != nil {
			return usagef("give the name of a branch, with * for any text without a slash", "--protected-ref %q: %v", pattern, err)
		}
	}
	return f.gitFlags.check()
}

// collect decides on all anchors, lets go of some, and prints it.
func (c *connection) collect(ctx context.Context, f retentionFlags, teams []string) error {
	view, err := c.view(ctx)
	if err != nil {
		return err
	}
	others, err := c.others(ctx, view.config, view.Context)
	if err != nil {
		return err
	}
	organizations, err := collectedOrganizations(ctx, view, others, teams)
	if err != nil {
		return err
	}
	sources := []retention.Source{}
	git, err := f.open(view.config)
	if err != nil {
		return err
	}
	for _, g := range git {
		defer g.Reader.Close()
		g.Protected = f.protected
		sources = append(sources, g)
	}
	sources = append(sources, pods{name: clusterName(view.Context), view: view})
	for _, name := range slices.Sorted(maps.Keys(others)) {
		sources = append(sources, pods{name: clusterName(name), view: others[name].view, lost: others[name].lost})
	}
	q, err := c.quay(ctx, true)
	if err != nil {
		return err
	}
	if err := checkOrganizations(ctx, q, view.config, teams); err != nil {
		return err
	}
	progress := c.program.start("looking at anchors")
	result := retention.Collect(ctx, q, retention.Options{Organizations: organizations, Sources: sources, Grace: f.grace, Parallel: f.parallel,
		AllowUnrelated: f.allowUnrelated, DryRun: f.dryRun, Now: c.program.Now, Report: progress.say})
	progress.stop()
	if err := c.print(newCollected(result, f)); err != nil {
		return err
	}
	return collectionFailure(ctx, result)
}

// collectedOrganizations are the organizations of the teams that are named; where none is, of all that a cluster has.
func collectedOrganizations(ctx context.Context, view *cluster, others map[string]*otherCluster, teams []string) ([]string, error) {
	found := map[string]bool{}
	for _, text := range teams {
		team, err := view.config.ParseTeam(text)
		if err != nil {
			return nil, usagef("correct the name", "%v", err)
		}
		found[view.config.Names(team).Organization] = true
	}
	if len(teams) == 0 {
		all, err := view.tenants(ctx)
		if err != nil {
			return nil, err
		}
		for _, other := range others {
			if other.lost == nil {
				there, err := other.view.tenants(ctx)
				if err != nil {
					other.lose(err)
				}
				all = append(all, there...)
			}
		}
		for _, t := range all {
			found[t.Organization] = true
		}
		if len(found) == 0 {
			return nil, &failure{ExitMissing, "no team has an ExternalSecret, or is keyless: there was nothing to look at", "name the teams; --context chooses another cluster"}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// checkOrganizations fails for a team that is named and has no organization, as one whose name is mistyped.
func checkOrganizations(ctx context.Context, q *quay.Client, names *config.Config, teams []string) error {
	for _, text := range teams {
		team, err := names.ParseTeam(text)
		if err != nil {
			return usagef("correct the name", "%v", err)
		}
		organization := names.Names(team).Organization
		if _, err := q.Organization(ctx, organization); quay.IsNotFound(err) {
			return &failure{ExitMissing, fmt.Sprintf("team %q has no organization %q in Quay", team, organization), "correct the name, or make it with onboard"}
		}
	}
	return nil
}

// clusterName is what a cluster is called where its context has that name.
func clusterName(context string) string {
	if context == "" {
		return "this cluster"
	}
	return "cluster " + context
}
