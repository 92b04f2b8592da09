package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// Git is a GitOps repository: every branch needs what its overlays render, and every digest in a file of it. So does what a branch was at
// within the grace period, which is what a rollback goes back to.
type Git struct {
	Reader *gitops.Reader
	// Organization is that of the images of a directory apps/<team>; "" where the name is no team's.
	Organization func(team string) string

	// rendered is what overlays need, by the content that they are made of.
	rendered map[string]rendering
	// heads are the branches of the last look, found is what they need.
	heads map[string]string
	found Demand
}

// Look implements Source. Branches that did not move since the last look are not read again. Where an overlay cannot be rendered, the gap
// is the team's.
func (g *Git) Look(ctx context.Context, since time.Time) (d Demand) {
	heads, err := g.Reader.Heads(ctx)
	if err != nil {
		d.Miss("", g.Reader.URL(), err)
		return d
	}
	if g.heads != nil && maps.Equal(heads, g.heads) {
		return g.found
	}
	s, err := g.Reader.Read(ctx, since)
	if err != nil {
		d.Miss("", g.Reader.URL(), err)
		return d
	}
	defer s.Close()
	l := gitLook{git: g, demand: &d, contents: &contents{}}
	if !l.branches(ctx, s) {
		return d
	}
	past := "a branch of " + g.name() + " had it within the grace period"
	if err := l.files(past, func(visit func([]byte)) error { return s.Past(ctx, visit) }); err != nil {
		d.Miss("", g.Reader.URL(), err)
		return d
	}
	if !l.whole(s) {
		return d
	}
	g.heads, g.found = s.Heads(), d
	return d
}

// name is the repository's for a table.
func (g *Git) name() string { return path.Base(g.Reader.URL()) }

// gitLook is one look at a repository.
type gitLook struct {
	git      *Git
	demand   *Demand
	contents *contents
}

// branches notes what each branch needs, and reports whether all could be read.
func (l *gitLook) branches(ctx context.Context, s *gitops.Snapshot) bool {
	if l.git.rendered == nil {
		l.git.rendered = map[string]rendering{}
	}
	for _, branch := range s.Branches() {
		if err := l.branch(ctx, s, branch); err != nil {
			l.demand.Miss("", fmt.Sprintf("branch %q of %s", branch, l.git.Reader.URL()), err)
			return false
		}
	}
	return true
}

// whole reports whether every file that may name an image was read, and notes one that is too large.
func (l *gitLook) whole(s *gitops.Snapshot) bool {
	for _, name := range s.Unread() {
		if slices.Contains(readable, strings.ToLower(path.Ext(name))) {
			l.demand.Miss("", fmt.Sprintf("a file %q of %s", name, l.git.name()), errTooLarge)
			return false
		}
	}
	return true
}

// readable are the endings of files that may name an image, however large they are.
var readable = []string{".yaml", ".yml", ".json", ".jsonnet", ".libsonnet", ".cue", ".tf", ".tpl", ".env", ".properties", ".tgz", ".gz"}

var errTooLarge = errors.New("it is too large to be read: split it, or take it from all branches and wait for the grace period")

// rendering is what kustomize made of an overlay.
type rendering struct {
	digests []string
	err     error
}

// branch notes what a branch needs. The error is the repository's.
func (l *gitLook) branch(ctx context.Context, s *gitops.Snapshot, branch string) error {
	who := fmt.Sprintf("branch %s of %s", branch, l.git.name())
	tree, err := s.Tree(branch)
	if err != nil {
		return err
	}
	overlays, err := overlay.All(tree)
	if err != nil {
		return err
	}
	for _, o := range overlays {
		if err := ctx.Err(); err != nil {
			return err
		}
		r := l.render(tree, o)
		for _, digest := range r.digests {
			l.demand.Need(digest, who)
		}
		if r.err != nil && !errors.As(r.err, new(*overlay.Refusal)) {
			return r.err
		}
		if team := l.git.Organization(o.Team); r.err != nil {
			l.demand.Miss(team, fmt.Sprintf("%s on branch %q of %s", o.Dir(), branch, l.git.name()), r.err)
		}
	}
	return l.files(who, func(visit func([]byte)) error { return s.Files(ctx, branch, visit) })
}

// files notes that who needs every digest in the files that each visits.
func (l *gitLook) files(who string, each func(visit func(content []byte)) error) (failed error) {
	err := each(func(content []byte) {
		if err := l.contents.digests(content, func(digest string) { l.demand.Need(digest, who) }); err != nil {
			failed = err
		}
	})
	return cmp.Or(err, failed)
}

// render renders an overlay, or finds it rendered from the same content on another branch.
func (l *gitLook) render(tree fs.FS, o overlay.Overlay) rendering {
	app := path.Dir(path.Dir(o.Dir()))
	inside, outside := contentOf(tree, app, o), contentOf(tree, ".", o)
	for _, key := range []string{inside, outside} {
		if r, ok := l.git.rendered[key]; ok && key != "" {
			return r
		}
	}
	w := &watched{ReadLinkFS: tree.(fs.ReadLinkFS), dir: app}
	digests, err := o.Digests(w)
	r := rendering{digests, err}
	if w.left {
		l.git.rendered[outside] = r
	} else {
		l.git.rendered[inside] = r
	}
	return r
}

// contentOf stands for an overlay and the content of a directory; empty where nobody can tell.
func contentOf(tree fs.FS, dir string, o overlay.Overlay) string {
	info, err := fs.Lstat(tree, dir)
	if err != nil || info.Sys() == nil {
		return ""
	}
	return fmt.Sprint(dir, " ", o.Dir(), " ", info.Sys())
}
