package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/report"
	"github.com/comptech-lab/quay-push/pkg/results"
	"github.com/comptech-lab/quay-push/pkg/version"
)

// stdout stands for standard output where a file could be named.
const stdout = "-"

func (c *connection) newReport() *cobra.Command {
	var git gitFlags
	var file, since string
	cmd := &cobra.Command{
		Use:   "report --html FILE",
		Short: "Write one page about all teams: checks, age of tokens, last pushes, and what was refused",
		Long: `Checks what verify --all and pushes do, changes nothing, and writes what it found as one self-contained page of HTML: the page runs nothing,
asks no server, and contains no secret. docs/report.md shows one. Of teams whose Secret was made by hand, it lists only the pushes.

The file is replaced only by a complete page; "-" is stdout. The exit code says whether the page was written and covers everything, not how
the teams are: 0 if everything could be looked at, 11 if the page is written and names what could not be, 4 if it is written and no team has
an ExternalSecret or is keyless. Any other code means that no page was written. For alerting, use verify --all.`,
		Example: `  tkn quay report --html report.html
  tkn quay report --html report.html --since 168h --gitops https://gitlab.example.com/platform/gitops.git --git-credential-dir ./git`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := c.program.Now()
			from, err := parseSince(since, now)
			if err != nil {
				return err
			}
			if err := git.check(); err != nil {
				return err
			}
			if err := c.checkPage(file); err != nil {
				return err
			}
			return c.report(cmd.Context(), file, pushesQuery{gitFlags: git, since: from, until: now})
		},
	}
	cmd.Flags().StringVar(&file, "html", "", "`file` for the page, - for stdout")
	cmd.Flags().StringVar(&since, "since", "24h", "start of the period, as a `time`: RFC 3339, or a duration such as 24h")
	require(cmd, "name the file, such as --html report.html", "html")
	git.add(cmd)
	c.addIssuerFlag(cmd)
	c.addQuayFlags(cmd)
	c.addVaultFlags(cmd)
	return cmd
}

// checkPage refuses a place for the page in which it could not be put, before anything is asked.
func (c *connection) checkPage(file string) error {
	if file == stdout {
		if c.format != "table" {
			return usagef("leave --output out, or name a file", "--html - and --output %s both write to stdout", c.format)
		}
		return nil
	}
	switch found, err := os.Lstat(file); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return usagef("name another file", "--html %q: %v", file, err)
	case !found.Mode().IsRegular():
		return usagef("name the file itself, or - for stdout", "--html %q is no regular file, and the page would take its place", file)
	}
	dir := filepath.Dir(file)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return usagef("make it, or name a file in another one", "--html %q: directory %q does not exist", file, dir)
	}
	if err := results.Dir(dir).Prepare(); err != nil {
		return usagef("name a file in a directory that can be written to", "--html %q cannot be written: %v", file, errors.Unwrap(err))
	}
	return nil
}

// reported is the result of report.
type reported struct {
	head
	// File has the page; Bytes is its size.
	File  string `json:"file"`
	Bytes int    `json:"bytes"`
	// Teams are on it, Right are those of which every check passed, Unchecked those that something did not answer about.
	Teams     int `json:"teams"`
	Right     int `json:"right"`
	Unchecked int `json:"unchecked"`
	Pushes    int `json:"pushes"`
	Refused   int `json:"refused"`
	// NotRead are what could not be read about pushes.
	NotRead []notRead `json:"notRead"`
}

func (r reported) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "wrote %s, %d bytes: %d of %d teams are OK, %d pushes, %d refused or failed\n", r.File, r.Bytes, r.Right, r.Teams, r.Pushes, r.Refused)
	return err
}

// report looks, writes the page and says what is on it.
func (c *connection) report(ctx context.Context, file string, q pushesQuery) error {
	r, result, err := c.look(ctx, q)
	if err != nil {
		return err
	}
	var page strings.Builder
	if err := r.Write(&page); err != nil {
		return err
	}
	if result.File, result.Bytes = file, page.Len(); file == stdout {
		_, err = io.WriteString(c.program.Out, page.String())
	} else if err = results.WriteFile(filepath.Dir(file), filepath.Base(file), page.String()); err == nil {
		err = c.print(result)
	}
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	c.printNotRead(result.NotRead)
	switch {
	case len(r.Teams) == 0:
		return errNoTeam
	case result.Unchecked > 0 || len(result.NotRead) > 0:
		return &failure{ExitNotRead, fmt.Sprintf("the page is written, and not everything could be looked at: %d teams, and %d gaps in the pushes", result.Unchecked, len(result.NotRead)),
			"the page says what, and what helps"}
	}
	return nil
}

// look collects what the page tells, and counts it.
func (c *connection) look(ctx context.Context, q pushesQuery) (r report.Report, result reported, err error) {
	s, err := c.services(ctx, true)
	if err != nil {
		return r, result, err
	}
	tenants, found, err := c.verifyAll(ctx, s)
	if err != nil {
		return r, result, err
	}
	list, err := c.pushlog(ctx, q)
	if err != nil {
		return r, result, err
	}
	pushes := newPushed(q, list, false)
	for i, gap := range pushes.NotRead {
		list.Gaps[i].Err = errors.New(gap.text())
	}
	r = report.Report{Made: q.until, Registry: s.cluster.config.Registry, Cluster: s.cluster.Context, Tool: version.Read().Short(), Since: q.until.Sub(q.since), Pushes: list,
		Pins: len(q.gitops) > 0, MaxAge: time.Duration(c.lastRotation(ctx).MaxAgeSeconds) * time.Second}
	result = reported{head: newHead("Report"), Teams: len(tenants), Right: len(tenants) - verified{Reports: found}.wrong(), NotRead: pushes.NotRead}
	result.Refused = pushes.refused()
	result.Pushes = len(list.Pushes) - result.Refused
	for i, t := range tenants {
		r.Teams = append(r.Teams, report.Team{Report: found[i], Organization: t.Organization, Namespace: t.Namespace, Keyless: t.Keyless})
		for _, check := range found[i].Checks {
			if check.NotAsked() {
				result.Unchecked++
			}
		}
	}
	return r, result, nil
}
