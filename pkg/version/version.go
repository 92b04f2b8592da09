// Package version tells what a program was built from.
package version

import (
	"fmt"
	"runtime/debug"
)

// Build is what a program was built from; unknown is what the build did not record.
type Build struct {
	// Version is the module's, Commit that of the repository, Go the toolchain's.
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	// Modified reports whether the working copy had changes that were not committed.
	Modified bool `json:"modified,omitempty"`
}

// Read returns what this program was built from.
func Read() Build {
	b := Build{Version: "unknown", Commit: "unknown", Go: "unknown"}
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

// Short is the version, or the commit of a build that has none.
func (b Build) Short() string {
	if b.Version == "(devel)" && b.Commit != "unknown" {
		return b.Commit
	}
	return b.Version
}

// Text is all of it for a person, in lines, of the program of that name.
func (b Build) Text(program string) string {
	commit := b.Commit
	if b.Modified {
		commit += ", with changes"
	}
	return fmt.Sprintf("%s %s\ncommit %s\nbuilt with %s\n", program, b.Version, commit, b.Go)
}
