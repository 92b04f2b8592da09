// Package source takes the commit that a release is built from out of the working copy, where nothing else can get into it.
package source

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/comptech-lab/quay-push/release/program"
)

// Tree is a commit, checked out in a directory of its own.
type Tree struct {
	// Dir has its files.
	Dir string
	// Commit is its name, in hex, and Time when it was made.
	Commit string
	Time   time.Time
}

// Clone checks the commit that dir is at out into the directory into, which must not be there. The clone has one tag, version: that is
// where Go takes the version from that it records in what it builds. The error says so where dir has changes that are in no commit, and
// where version is the tag of another one.
func Clone(ctx context.Context, dir, into, version string) (Tree, error) {
	git := program.Program{Name: "git", Dir: dir}
	said := map[string]string{}
	for question, args := range map[string][]string{
		"changes": {"status", "--porcelain"},
		"commit":  {"rev-parse", "HEAD"},
		"time":    {"log", "-1", "--format=%ct"},
		"tag":     {"for-each-ref", "refs/tags/" + version},
		"here":    {"for-each-ref", "--points-at", "HEAD", "refs/tags/" + version},
	} {
		answer, err := git.Run(ctx, args...)
		if err != nil {
			return Tree{}, fmt.Errorf("asking for the source's %s: %w", question, err)
		}
		said[question] = answer
	}
	if said["changes"] != "" {
		return Tree{}, fmt.Errorf("%q has what is in no commit: commit it, or put it aside with git stash --include-untracked:\n%s", dir, said["changes"])
	}
	if said["tag"] != said["here"] {
		return Tree{}, fmt.Errorf("%s is the tag of another commit than %s: check that out, or take the next version", version, said["commit"])
	}
	seconds, err := strconv.ParseInt(said["time"], 10, 64)
	if err != nil {
		return Tree{}, fmt.Errorf("reading the commit's time: %w", err)
	}
	for _, args := range [][]string{
		{"clone", "--quiet", "--no-tags", "--no-checkout", "--config", "core.autocrlf=false", ".", into},
		{"-C", into, "checkout", "--quiet", "--detach", said["commit"]},
		{"-C", into, "update-ref", "refs/tags/" + version, said["commit"]},
	} {
		if _, err := git.Run(ctx, args...); err != nil {
			return Tree{}, fmt.Errorf("cloning %q: %w", dir, err)
		}
	}
	return Tree{Dir: into, Commit: said["commit"], Time: time.Unix(seconds, 0).UTC()}, nil
}

// Environment is that of a build of the tree: what Go records in a program is the tree's, and no setting of the machine's changes it.
func (t Tree) Environment() []string {
	return []string{"GOFLAGS=-buildvcs=true", "GOWORK=off", "CGO_ENABLED=0", "SOURCE_DATE_EPOCH=" + strconv.FormatInt(t.Time.Unix(), 10)}
}
