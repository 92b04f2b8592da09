package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/pushlog"
	"github.com/comptech-lab/quay-push/pkg/quay"
)

// pushesFlags are the flags of pushes.
type pushesFlags struct {
	gitFlags
	since      string
	namespaces []string
}

func (c *connection) newPushes() *cobra.Command {
	var f pushesFlags
	cmd := &cobra.Command{
		Use:   "pushes [TEAM]",
		Short: "List pushes: who, digest, bytes, rule, where pinned; and what was refused, and why",
		Long: `Lists the pushes of one team, or of all, newest first, and the runs that were refused or failed, with their message.

It reads the cluster's CustomRuns, which the controller answered; TaskRuns that pushed in the team's own pipelines, whose results are only
the team's claim; and Quay's log, which says who pushed, and also has pushes without a run, or whose run was deleted. With --gitops it shows
which branches pin each digest. It names on stderr what it could not read; if it then found nothing, the exit code is 11.

Bytes are those that the registry lacked; "-" if unknown. --output wide shows whole digests and messages, all branches, and the source of
each push.`,
		Example: `  tkn quay pushes --since 24h
  tkn quay pushes payments --since 168h --gitops https://gitlab.example.com/platform/gitops.git --git-credential-dir ./git
  tkn quay pushes payments -n apps-payments-checkout -o wide`,
		Annotations: map[string]string{wideToo: ""},
		Args:        atMostOne, ValidArgsFunction: c.completeTeam,
		RunE: func(cmd *cobra.Command, args []string) error {
			until := c.program.Now()
			since, err := parseSince(f.since, until)
			if err != nil {
				return err
			}
			if err := f.check(); err != nil {
				return err
			}
			q := pushesQuery{gitFlags: f.gitFlags, namespaces: slices.Compact(slices.Sorted(slices.Values(f.namespaces))), since: since, until: until}
			if len(args) == 1 {
				names, err := c.tenancy(cmd.Context())
				if err != nil {
					return err
				}
				if q.team, err = names.ParseTeam(args[0]); err != nil {
					return usagef("correct the name", "%v", err)
				}
			}
			return c.pushes(cmd.Context(), q)
		},
	}
	cmd.Flags().StringVar(&f.since, "since", "24h", "start of the period, as a `time`: RFC 3339, or a duration such as 24h")
	cmd.Flags().StringArrayVarP(&f.namespaces, "namespace", "n", nil, "`namespace` with runs, if you may not list all; repeated for each (default all)")
	complete(cmd, "namespace", c.completeNamespace)
	f.add(cmd)
	c.addQuayFlags(cmd)
	return cmd
}

// pushesQuery is what is asked for.
type pushesQuery struct {
	gitFlags
	// team is empty for all, namespaces for all that there are.
	team         string
	namespaces   []string
	since, until time.Time
}

// pushes prints the list, and what it lacks.
func (c *connection) pushes(ctx context.Context, q pushesQuery) error {
	list, err := c.pushlog(ctx, q)
	if err != nil {
		return err
	}
	result := newPushed(q, list, c.format == "wide")
	if err := c.print(result); err != nil {
		return err
	}
	c.printNotRead(result.NotRead)
	if len(list.Pushes) == 0 && len(list.Gaps) > 0 {
		return &failure{ExitNotRead, fmt.Sprintf("no push was found, and not everything could be read: %d gaps", len(list.Gaps)),
			"the lines \"not read\" say what and why: mend that, then run it again"}
	}
	return nil
}

// pushlog reads all sources. What cannot be read is a gap; the error is one of the flags, or of who cannot be asked for anything, or says that
// it was ended: whoever ends it wants no half of it.
func (c *connection) pushlog(ctx context.Context, q pushesQuery) (list pushlog.List, err error) {
	progress := c.program.start("listing runs")
	defer progress.stop()
	view, err := c.view(ctx)
	if err != nil {
		return list, err
	}
	git, err := q.open(view.config)
	if err != nil {
		return list, err
	}
	r := runReader{view: view, query: q, list: &list, most: mostRuns, owners: map[string]string{}, resolved: map[runKey]string{}}
	runs := r.read(ctx)
	c.addQuayLog(ctx, r, runs, progress)
	for _, run := range runs {
		list.Pushes = append(list.Pushes, run.Push)
	}
	list.Sort()
	for _, g := range git {
		progress.oneOfMany("", "", "reading "+g.Reader.URL())
		pinned, gaps := g.Pins(ctx, list.Digests(), q.until)
		g.Reader.Close()
		for _, gap := range gaps {
			if gap.Organization == "" || q.team == "" || gap.Organization == view.config.Names(q.team).Organization {
				list.Miss(gap.What, gitFailure(gap.Err))
			}
		}
		for i, p := range list.Pushes {
			if p.Refused == "" {
				list.Pushes[i].Pinned = append(p.Pinned, pinned[p.Digest]...)
			}
		}
	}
	if ctx.Err() != nil {
		return list, fmt.Errorf("listing pushes: %w", context.Cause(ctx))
	}
	return list, nil
}

// addQuayLog reads Quay's log of every team that is asked for.
func (c *connection) addQuayLog(ctx context.Context, r runReader, runs []*pushlog.Run, progress *progress) {
	teams := r.teams(ctx, runs)
	if len(teams) == 0 {
		return
	}
	client, err := c.quay(ctx, len(teams) > 1)
	if err != nil {
		r.list.Miss("Quay's log", err)
		return
	}
	reader := pushlog.Reader{Quay: client, Host: r.view.config.Registry, Since: r.query.since, Until: r.query.until}
	if reader.Host == "" {
		reader.Host = client.Host()
	}
	byTeam := map[string][]*pushlog.Run{}
	for _, run := range runs {
		byTeam[run.Team] = append(byTeam[run.Team], run)
	}
	for i, team := range teams {
		progress.oneOfMany("", "", fmt.Sprintf("reading Quay's log of team %s, %d of %d", team, i+1, len(teams)))
		if err := reader.Read(ctx, team, r.view.config.Names(team).Organization, byTeam[team], r.list); err != nil && !ofOne(err) {
			if left := len(teams) - i - 1; left > 0 {
				r.list.Miss(fmt.Sprintf("Quay's log of %d more teams", left), errors.New("it was not asked for after that"))
			}
			return
		}
	}
}

// ofOne reports whether an error of Quay's is about one organization, so that others can be asked for all the same.
func ofOne(err error) bool {
	return quay.IsForbidden(err) || quay.IsNotFound(err) || errors.Is(err, quay.ErrMore)
}
