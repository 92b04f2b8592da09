package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newDocs is for who packages the tool; users have --help.
func (c *connection) newDocs() *cobra.Command {
	return &cobra.Command{
		Use:     "docs man|markdown DIRECTORY",
		Short:   "Write a page for each command",
		Long:    "Writes the man pages, or the pages in docs/cli, into a directory. $SOURCE_DATE_EPOCH is the date of the man pages.",
		Example: "  tkn quay docs man /usr/local/share/man/man1",
		Hidden:  true,
		Args:    arguments("man or markdown", "a directory"),
		RunE: func(_ *cobra.Command, args []string) error {
			// Without the commands that cobra adds when it runs, which have no pages.
			root := c.program.newRoot()
			root.DisableAutoGenTag = true
			write := map[string]func() error{
				"man": func() error {
					return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "quay-push", Manual: "tkn quay"}, args[1])
				},
				"markdown": func() error { return doc.GenMarkdownTree(root, args[1]) },
			}[args[0]]
			if write == nil {
				return usagef("use man or markdown", "there are no pages of kind %q", args[0])
			}
			if err := os.MkdirAll(args[1], 0o755); err != nil {
				return fmt.Errorf("making the directory of the pages: %w", err)
			}
			return write()
		},
	}
}
