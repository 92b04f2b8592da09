package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// edited is the result of overlay set and promote.
type edited struct {
	head
	// Path is relative to the repository's root. Changed reports whether the file was written, or with a dry run would be.
	Path    string `json:"path"`
	Changed bool   `json:"changed"`
	DryRun  bool   `json:"dryRun,omitempty"`
}

func (e edited) write(w io.Writer) error {
	what := "has it already"
	switch {
	case e.Changed && e.DryRun:
		what = "would change"
	case e.Changed:
		what = "changed"
	}
	_, err := fmt.Fprintf(w, "%s %s\n", e.Path, what)
	return err
}

func (c *connection) newOverlay() *cobra.Command {
	group := newGroup("overlay", "Write and check the digests of a GitOps repository", c.newOverlaySet(), c.newOverlayVerify(), c.newOverlayPromote())
	group.Long = "Works on a clone of the repository; docs/overlay.md has its layout and the reasons. Nothing is committed."
	return group
}

func (c *connection) newOverlaySet() *cobra.Command {
	var pin overlay.Pin
	var from string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "set DIRECTORY --image IMAGE --digest DIGEST | --from OVERLAY-IMAGE",
		Short: "Write a digest into a dev overlay",
		Long:  "Writes images[].digest of the overlay, and no other byte. DIRECTORY is the overlay's, or its kustomization.yaml.",
		Example: `  tkn quay overlay set apps/payments/checkout/overlays/dev --image quay.example.com/team-payments/checkout --digest sha256:…
  echo "$OVERLAY_IMAGE" | tkn quay overlay set apps/payments/checkout/overlays/dev --from -`,
		Args: arguments("the directory of an overlay"),
		RunE: func(_ *cobra.Command, args []string) error {
			if byFlags := pin != (overlay.Pin{}); byFlags == (from != "") || byFlags && (pin.Image == "" || pin.Digest == "") {
				return usagef("give --image and --digest, or --from with the result overlay-image of a push", "the digest is missing, or given twice")
			}
			if from != "" {
				var err error
				if pin, err = c.readPin(from); err != nil {
					return err
				}
			}
			return c.edit(args[0], dryRun, func(tree fs.FS, o overlay.Overlay) (overlay.Edit, error) { return overlay.Set(tree, o, pin) })
		},
	}
	cmd.Flags().StringVar(&pin.Image, "image", "", "`host/organization/name`, as in the base, without a tag")
	cmd.Flags().StringVar(&pin.Digest, "digest", "", "`sha256:…` that the push reported")
	cmd.Flags().StringVar(&from, "from", "", "`file` with the result overlay-image of a push, - for stdin")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "check it, write nothing")
	return cmd
}

// readPin reads the result overlay-image of a push.
func (c *connection) readPin(from string) (overlay.Pin, error) {
	in := c.program.In
	if from != "-" {
		file, err := os.Open(from)
		if err != nil {
			return overlay.Pin{}, usagef("let --from be a file that can be read, or - for stdin", "--from cannot be read: %v", err)
		}
		defer file.Close()
		in = file
	}
	// Tekton's results have at most 4 KiB.
	data, err := io.ReadAll(io.LimitReader(in, 4096))
	if err != nil {
		return overlay.Pin{}, usagef("let --from be a file that can be read, or - for stdin", "--from cannot be read: %v", err)
	}
	pin, err := overlay.ParsePin(strings.TrimSpace(string(data)))
	if err != nil {
		return overlay.Pin{}, usagef("give the result overlay-image of a push as it is", "%v", err)
	}
	return pin, nil
}

func (c *connection) newOverlayPromote() *cobra.Command {
	var to string
	var dryRun bool
	var d demands
	cmd := &cobra.Command{
		Use:   "promote DIRECTORY --to ENVIRONMENT",
		Short: "Copy the digests of an overlay to the next environment",
		Long: `Copies the digests that DIRECTORY has to the overlay of the same app one step further: dev to stg, stg to prd.
With --receipt-key and --verdict-within, only digests of which there is a receipt, or a verdict.`,
		Example: `  tkn quay overlay promote apps/payments/checkout/overlays/dev --to stg
  tkn quay overlay promote apps/payments/checkout/overlays/stg --to prd --receipt-key receipt.pub --verdict-within 168h --gate high`,
		Args: arguments("the directory of an overlay"),
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, err := d.list(c)
			if err != nil {
				return err
			}
			return c.edit(args[0], dryRun, func(tree fs.FS, o overlay.Overlay) (overlay.Edit, error) {
				edit, err := overlay.Promote(tree, o, to)
				if err == nil {
					err = o.Meets(cmd.Context(), tree, asked...)
				}
				return edit, err
			})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "`environment` to promote to: "+strings.Join(overlay.Environments[1:], " or "))
	require(cmd, "name the next environment, such as --to stg", "to")
	complete(cmd, "to", completeTarget)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "check it, write nothing")
	d.add(cmd)
	c.addQuayCAFlag(cmd)
	return cmd
}

// completeTarget offers the environment to which the directory that is given may be promoted; before it is given, each of them.
func completeTarget(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	targets := overlay.Environments[1:]
	if len(args) > 0 {
		if repository, o, err := overlay.Locate(args[0]); err == nil {
			_ = repository.Close() // Only its path was read.
			targets = slices.DeleteFunc([]string{overlay.NextEnvironment(o.Env)}, func(env string) bool { return env == "" })
		}
	}
	return targets, cobra.ShellCompDirectiveNoFileComp
}

// edit makes an edit in the working copy that holds path, and writes it.
func (c *connection) edit(path string, dryRun bool, plan func(fs.FS, overlay.Overlay) (overlay.Edit, error)) (err error) {
	repository, o, err := overlay.Locate(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, repository.Close()) }()
	repository.Warn = c.warner()
	edit, err := plan(repository.FS(), o)
	if err != nil {
		return readable(err)
	}
	if !dryRun {
		if err := repository.Write(edit); err != nil {
			return readable(err)
		}
	}
	return c.print(edited{head: newHead("OverlayEdit"), Path: edit.Path, Changed: edit.Changed(), DryRun: dryRun})
}

// warner prints what kustomize warns of, each warning once.
func (c *connection) warner() func(line string) {
	warned := map[string]bool{}
	return func(line string) {
		if !warned[line] {
			warned[line] = true
			fmt.Fprintln(c.program.Err, "rendering: "+shown.Line(line))
		}
	}
}

// readable gives an error of the file system its next step.
func readable(err error) error {
	if errors.As(err, new(*fs.PathError)) && !errors.As(err, new(*overlay.Refusal)) {
		return &failure{ExitFailure, err.Error(), "see whether the files of the working copy can be read and written"}
	}
	return err
}
