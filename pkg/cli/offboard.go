package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// offboarded is the result of offboard.
type offboarded struct {
	head
	Tenant string       `json:"tenant"`
	Steps  []robot.Step `json:"steps"`
	// Delete are the team's objects in the cluster that are left to be deleted, Deleted those that were.
	Delete  []string `json:"delete,omitempty"`
	Deleted []string `json:"deleted,omitempty"`
	// Stays is what offboarding never deletes.
	Stays []string `json:"stays"`
}

func (o offboarded) write(w io.Writer) error {
	if err := stepsTable(w, o.Steps); err != nil {
		return err
	}
	writeLines(w, "deleted", o.Deleted)
	writeLines(w, "delete", o.Delete)
	writeLines(w, "stays", o.Stays)
	return nil
}

func (c *connection) newOffboard() *cobra.Command {
	at := place{orElse: "if Vault still has its credential; if the team was offboarded with --apply there is nothing left to do"}
	var apply, dryRun, yes bool
	cmd := &cobra.Command{
		Use:   "offboard TEAM",
		Short: "End a team's right to push: burn and delete its credential",
		Long: `Takes the rights of the team's robots first and burns their tokens, so that nothing can push any more; then deletes what Vault has, and
the robots. The organization, its repositories, its images and their anchors stay. While a run of the team goes on nothing is done: stop what starts them.

A robot that holds no right stays behind for about an hour, as long as a bearer token that the team's robots bought can be used: it keeps
their names from being used again. The output says when; run it again after that with --division and --app, and it is deleted.

Then it lists what onboard rendered for the team: delete that from Git. With --apply it is deleted from the cluster, the Secret
with its ExternalSecret. After a failure run it again: it goes on where it was.`,
		Example: `  tkn quay offboard payments --dry-run
  tkn quay offboard payments --yes --apply`,
		Annotations: map[string]string{everyCluster: ""},
		Args:        arguments("a team"), ValidArgsFunction: c.completeTeam,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !dryRun {
				if !yes && !c.program.Terminal() {
					return usagef("look at it with --dry-run, then repeat it with --yes", "offboarding team %q cannot be undone", args[0])
				}
				if err := c.confirm(cmd.Context(), yes, fmt.Sprintf("The credential of team %s is burnt and deleted, and does not come back. Go on?", args[0])); err != nil {
					return err
				}
			}
			s, t, err := c.serve(cmd.Context(), args[0], at)
			if err != nil {
				return err
			}
			result := offboarded{head: newHead("Offboarding"), Tenant: t.Team}
			if dryRun {
				result.Steps, err = robot.PlanOffboard(cmd.Context(), s.Services, t)
				apply = false
			} else {
				err = c.exclusively(cmd.Context(), t.Team, func(ctx context.Context) (err error) {
					result.Steps, err = c.offboard(ctx, s, t)
					return err
				})
			}
			if err != nil {
				return err
			}
			if err := c.remove(cmd.Context(), s.cluster, t, apply, &result); err != nil {
				return err
			}
			for _, other := range t.Others {
				there := t
				there.Namespace = other.Namespace
				if err := c.removeFrom(cmd.Context(), s.others[other.Cluster].view, "cluster "+other.Cluster+": ", there, apply, &result); err != nil {
					return err
				}
			}
			return c.print(result)
		},
	}
	c.addPlaceFlags(cmd, &at)
	cmd.Flags().BoolVar(&yes, "yes", false, "do it without asking: what is burnt and deleted does not come back")
	cmd.Flags().BoolVar(&apply, "apply", false, "delete the team's objects from the cluster")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be done, change nothing")
	c.addQuayFlags(cmd)
	c.addVaultFlags(cmd)
	return cmd
}

func (c *connection) offboard(ctx context.Context, s services, t robot.Tenant) ([]robot.Step, error) {
	progress := c.program.start("offboarding team " + t.Team)
	defer progress.stop()
	s.Report = progress.report
	return robot.Offboard(ctx, s.Services, t)
}

// removeFrom does it for one cluster; where tells which, and is empty where there is one alone.
func (c *connection) removeFrom(ctx context.Context, view *cluster, where string, t robot.Tenant, apply bool, result *offboarded) error {
	remains, err := view.remains(ctx, t)
	if err != nil {
		return err
	}
	for _, r := range remains {
		if !apply {
			result.Delete = append(result.Delete, where+r.String())
			continue
		}
		if err := view.delete(ctx, r, c.program.Poll); err != nil {
			return err
		}
		result.Deleted = append(result.Deleted, where+r.String())
	}
	return nil
}

// remove deletes what the team has in the cluster if apply says so, else lists it, and lists what stays.
func (c *connection) remove(ctx context.Context, view *cluster, t robot.Tenant, apply bool, result *offboarded) error {
	if err := c.removeFrom(ctx, view, "", t, apply, result); err != nil {
		return err
	}
	result.Stays = []string{fmt.Sprintf("organization %s in Quay, with its repositories, its images and their anchors", t.Organization)}
	namespaces, err := view.namespaces(ctx)
	for _, n := range namespaces {
		if view.owner(n) == t.Team {
			result.Stays = append(result.Stays, fmt.Sprintf("Namespace %s, with the team's labels", n.Name))
		}
	}
	return err
}
