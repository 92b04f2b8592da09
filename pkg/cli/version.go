package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/version"
)

// build is the result of version: what the program was built from.
type build struct {
	head
	version.Build
}

func (b build) write(w io.Writer) error {
	_, err := io.WriteString(w, b.Text("tkn quay"))
	return err
}

func (c *connection) newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the commit and the Go version that the tool was built from",
		Long:    "Prints what this program was built from. It asks no server.",
		Example: "  tkn quay version\n  tkn quay version -o json",
		Args:    noArguments,
		RunE:    func(*cobra.Command, []string) error { return c.print(build{newHead("Version"), version.Read()}) },
	}
}
