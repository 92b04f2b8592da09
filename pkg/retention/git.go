package retention

import (
	"context"
	"errors"
	"maps"
	"path"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/gitops"
)

// Git is a GitOps repository: every branch and every tag needs what its overlays render, and every digest in a file of it. So does what one
// was at within the grace period, which is what a rollback goes back to.
type Git struct {
	Reader *gitops.Reader
	// Organization is that of the images of a directory apps/<team>; "" where the name is no team's.
	Organization func(team string) string
	// Protected are patterns of the branches and tags that nobody can push to unseen, see CheckProtected; empty: all are. What cannot be
	// looked up on any other is told, and keeps nothing.
	Protected []string
	// IgnoreSubmodules has submodules need nothing; else nobody knows what they need.
	IgnoreSubmodules bool
	// IgnoreLFS has files in Git LFS need nothing; else nobody knows what those need that may name an image.
	IgnoreLFS bool

	// rendered is what overlays need, by the content that they are made of.
	rendered map[string]rendering
	// heads are the branches and tags of the last look, found is what they need.
	heads map[gitops.Ref]string
	found Demand
}

// Look implements Source. Where nothing moved since the last look nothing is read again. Where an overlay cannot be rendered, the gap is
// the team's.
func (g *Git) Look(ctx context.Context, since time.Time) (d Demand) {
	d.repository = g.Reader.URL()
	heads, err := g.Reader.Heads(ctx)
	if err != nil {
		d.Miss("", g.Reader.URL(), err)
		return d
	}
	if g.heads != nil && maps.Equal(heads, g.heads) {
		return g.found
	}
	s, all, err := g.read(ctx, since)
	if err != nil {
		d.Miss("", g.Reader.URL(), err)
		return d
	}
	defer s.Close()
	if all != nil {
		d.Ignore("", "branches and tags of "+g.name()+" that are not protected", all)
	}
	l := gitLook{git: g, snapshot: s, demand: &d, contents: &contents{}}
	var protected, others []gitops.Ref
	for _, ref := range s.Refs() {
		if g.protects(ref) {
			protected = append(protected, ref)
		} else {
			others = append(others, ref)
		}
	}
	if len(protected) == 0 {
		d.Miss("", g.Reader.URL(), errNoneProtected)
		return d
	}
	// These come first, so that nothing that the others have hides a file of theirs, or uses up what is read.
	l.refs(ctx, protected, d.Miss)
	l.refs(ctx, others, d.Ignore)
	if err := ctx.Err(); err != nil {
		d.Miss("", g.Reader.URL(), err)
		return d
	}
	maps.Copy(heads, s.Heads())
	g.heads, g.found = heads, d
	return d
}

// read reads all branches and tags. Where that fails, and some are protected, it reads those alone, and returns why.
func (g *Git) read(ctx context.Context, since time.Time) (s *gitops.Snapshot, all, err error) {
	s, err = g.Reader.Read(ctx, since, func(gitops.Ref) bool { return true })
	if err != nil && len(g.Protected) > 0 {
		all = err
		s, err = g.Reader.Read(ctx, since, g.protects)
	}
	if err != nil {
		return nil, nil, err
	}
	s.Matters = g.matters
	return s, all, nil
}

// name is the repository's for a table.
func (g *Git) name() string { return path.Base(g.Reader.URL()) }

// owner is the organization of the images that a path may name; empty: any, as it is in no directory apps/<team>.
func (g *Git) owner(name string) string {
	if parts := strings.Split(name, "/"); len(parts) > 1 && parts[0] == "apps" {
		return g.Organization(parts[1])
	}
	return ""
}

var errNoneProtected = errors.New("no branch or tag of it is one of --protected-ref: give a pattern of its main branch")

// CheckProtected returns what is wrong with a pattern for Git.Protected: that of a branch, or with refs/tags/ in front that of a tag, as
// path.Match has it: * is any text without a slash.
func CheckProtected(pattern string) error {
	_, err := path.Match(pattern, "")
	return err
}

// protects reports whether what a branch or tag has matters where it cannot be read.
func (g *Git) protects(ref gitops.Ref) bool {
	for _, pattern := range g.Protected {
		if !strings.HasPrefix(pattern, "refs/") {
			pattern = "refs/heads/" + pattern
		}
		if matched, err := path.Match(pattern, string(ref)); matched && err == nil {
			return true
		}
	}
	return len(g.Protected) == 0
}
