package cli

import (
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build is the result of version: what the program was built from.
type build struct {
	head
	// Version is the module's, Commit that of the repository, Go the toolchain's; unknown where the build did not record it.
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	// Modified reports whether the working copy had changes that were not committed.
	Modified bool `json:"modified,omitempty"`
}

func (b build) write(w io.Writer) error {
	commit := b.Commit
	if b.Modified {
		commit += ", with changes"
	}
	_, err := fmt.Fprintf(w, "tkn quay %s\ncommit %s\nbuilt with %s\n", b.Version, commit, b.Go)
	return err
}

// short is the version, or the commit of a build that has none.
func (b build) short() string {
	if b.Version == "(devel)" && b.Commit != "unknown" {
		return b.Commit
	}
	return b.Version
}

// newVersion returns what the program was built from.
func newVersion() build {
	b := build{head: newHead("Version"), Version: "unknown", Commit: "unknown", Go: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version, b.Go = info.Main.Version, info.GoVersion
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (c *connection) newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the commit and the Go version that the tool was built from",
		Long:    "Prints what this program was built from. It asks no server.",
		Example: "  tkn quay version\n  tkn quay version -o json",
		Args:    noArguments,
		RunE:    func(*cobra.Command, []string) error { return c.print(newVersion()) },
	}
}
