package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// checked is the result of overlay verify.
type checked struct {
	head
	Findings []overlayFinding `json:"findings"`
	// LookedAt are the pinned images that --registry asked about, none without it; NotLookedAt are those of other registries.
	LookedAt    []string `json:"lookedAt,omitzero"`
	NotLookedAt []string `json:"notLookedAt,omitempty"`
}

// overlayFinding is one thing in which a repository breaks the contract.
type overlayFinding struct {
	Path    string         `json:"path"`
	Reason  overlay.Reason `json:"reason"`
	Problem string         `json:"problem"`
	Next    string         `json:"next"`
	// Dies is when a digest that is not alive is gone; not there where it is already, or nobody can tell.
	Dies time.Time `json:"dies,omitzero"`
}

func (r checked) write(w io.Writer) error {
	rows := [][]string{}
	for _, f := range r.Findings {
		rows = append(rows, []string{f.Path, string(f.Reason), f.Problem + "; " + f.Next})
	}
	if len(rows) == 0 {
		fmt.Fprintln(w, "nothing is wrong")
	} else if err := table(w, []string{"PATH", "REASON", "WHAT"}, rows); err != nil {
		return err
	}
	if r.LookedAt != nil && len(r.LookedAt) == 0 {
		fmt.Fprintln(w, "Quay was not asked: none of its images is pinned by digest")
	}
	writeLines(w, "not looked at, in another registry:", r.NotLookedAt)
	return nil
}

func (c *connection) newOverlayVerify() *cobra.Command {
	var ask bool
	var d demands
	cmd := &cobra.Command{
		Use:   "verify [DIRECTORY]",
		Short: "Check one overlay, or a whole repository",
		Long: `Checks layout, names and digests, and that kustomize renders what is pinned. DIRECTORY is an overlay's, or the repository's root.
With --registry, also that a tag that lasts keeps each digest in Quay: what has none is dropped there. It names each that would die, of
what, and when, where that can be told: a tag that expires, one that moves on, an auto-prune policy, the time machine. Images of other
registries are listed, and not looked at.
With --receipt-key and --verdict-within, also that there is a receipt, or a verdict, of each digest that would run.`,
		Example: `  tkn quay overlay verify
  tkn quay overlay verify apps/payments/checkout/overlays/prd --registry`,
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			directory := "."
			if len(args) > 0 {
				directory = args[0]
			}
			var asked *registry
			var r overlay.Registry
			if ask {
				q, err := c.quay(cmd.Context(), false)
				if err != nil {
					return err
				}
				asked = newRegistry(q, c.config.Registry, c.program.Now)
				if address, err := url.Parse(c.quayURL); err == nil && asked.host == "" {
					asked.host = address.Host
				}
				r = asked
			}
			demanded, err := d.list(c)
			if err != nil {
				return err
			}
			findings, err := c.findings(cmd.Context(), directory, r, demanded...)
			if err != nil {
				return err
			}
			result := checked{head: newHead("OverlayVerification"), Findings: []overlayFinding{}}
			if asked != nil {
				result.LookedAt, result.NotLookedAt = asked.asked, asked.elsewhere
			}
			for _, f := range findings {
				result.Findings = append(result.Findings, overlayFinding{f.Path, f.Reason, f.Problem, f.Next, f.Dies})
			}
			if err := c.print(result); err != nil || len(findings) == 0 {
				return err
			}
			return &failure{exit: ExitFindings, problem: fmt.Sprintf("findings: %d", len(findings))}
		},
	}
	cmd.Flags().BoolVar(&ask, "registry", false, "ask Quay whether each digest is there to stay")
	c.addQuayFlags(cmd)
	d.add(cmd)
	return cmd
}

// findings checks the repository whose root is directory, or the overlay that it is.
func (c *connection) findings(ctx context.Context, directory string, r overlay.Registry, demands ...overlay.Demand) (found []overlay.Finding, err error) {
	var repository *overlay.Repository
	var o overlay.Overlay
	_, one := os.Stat(filepath.Join(directory, "apps"))
	if one != nil {
		repository, o, err = overlay.Locate(directory)
	} else {
		repository, err = overlay.OpenRepository(directory)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, repository.Close()) }()
	repository.Warn = c.warner()
	if one != nil {
		found, err = overlay.VerifyOverlay(ctx, repository.FS(), o, r, demands...)
	} else {
		found, err = overlay.VerifyRepository(ctx, repository.FS(), r, demands...)
	}
	return found, readable(err)
}
