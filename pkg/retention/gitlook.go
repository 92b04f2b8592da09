package retention

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// gitLook is one look at a repository.
type gitLook struct {
	git      *Git
	snapshot *gitops.Snapshot
	demand   *Demand
	contents *contents
	// unread is how many of the snapshot's were told.
	unread int
}

// readable are the endings of files that may name an image, however large they are.
var readable = []string{".yaml", ".yml", ".json", ".jsonnet", ".libsonnet", ".cue", ".tf", ".tpl", ".env", ".properties", ".tgz", ".gz"}

var (
	errTooLarge  = errors.New("it is too large to be read: split it, or take it from all branches and tags and wait for the grace period")
	errSubmodule = errors.New("it is a submodule, of which nothing is fetched: put the files themselves there, or, if it pins no image or its repository has a --gitops of its own, give --ignore-submodules")
	errLFS       = errors.New("its content is in Git LFS, of which nothing is fetched: put the file itself there, or, if none that is in Git LFS pins an image, give --ignore-lfs")
)

// lfs is how Git LFS begins the pointer that Git has in place of a file (its spec, "The Pointer").
var lfs = []byte("version https://git-lfs.github.com/spec/")

// rendering is what kustomize made of an overlay.
type rendering struct {
	digests []string
	err     error
}

// missing notes what could not be looked up, as Demand.Miss does.
type missing func(organization, what string, err error)

// refs notes what branches and tags need, and what they needed since the time that was asked for.
func (l *gitLook) refs(ctx context.Context, refs []gitops.Ref, miss missing) {
	for _, ref := range refs {
		who := fmt.Sprintf("%s of %s", ref, l.git.name())
		if err := l.ref(ctx, ref, who, miss); err != nil {
			miss("", who, err)
		}
		if ctx.Err() != nil {
			return
		}
		l.left(who, miss)
	}
	past := "a branch of " + l.git.name() + " had it within the grace period"
	if err := l.snapshot.Past(ctx, refs, l.reading(past)); err != nil {
		miss("", l.git.Reader.URL(), err)
	}
	l.left("what branches of "+l.git.name()+" had", miss)
}

// left notes what the last visit left out: it is the team's in whose directory it is.
func (l *gitLook) left(who string, miss missing) {
	unread := l.snapshot.Unread()
	for _, u := range unread[l.unread:] {
		what, err := "a file %q of %s", u.Err
		switch err {
		case gitops.ErrSubmodule:
			what, err = "%q of %s", errSubmodule
		case gitops.ErrTooLarge:
			err = errTooLarge
		}
		miss(l.git.owner(u.Path), fmt.Sprintf(what, u.Path, who), err)
	}
	l.unread = len(unread)
}

// matters reports whether it matters that a file or submodule of a name could not be read for an error.
func (g *Git) matters(name string, err error) bool {
	switch err {
	case gitops.ErrSubmodule:
		return !g.IgnoreSubmodules
	case errLFS:
		return !g.IgnoreLFS && slices.Contains(readable, strings.ToLower(path.Ext(name)))
	case gitops.ErrTooLarge:
		return slices.Contains(readable, strings.ToLower(path.Ext(name)))
	}
	return true
}

// ref notes what a branch or a tag needs. The error is the repository's.
func (l *gitLook) ref(ctx context.Context, ref gitops.Ref, who string, miss missing) error {
	tree, err := l.snapshot.Tree(ref)
	if err != nil {
		return err
	}
	var overlays []overlay.Overlay
	if tree != nil {
		if overlays, err = overlay.All(tree); err != nil {
			return err
		}
	}
	for _, o := range overlays {
		if err := ctx.Err(); err != nil {
			return err
		}
		l.demand.own(l.git.Organization(o.Team))
		r := l.render(tree, o)
		for _, digest := range r.digests {
			if err := l.need(digest, who, maxDigestsAll); err != nil {
				miss(l.git.Organization(o.Team), fmt.Sprintf("%s on %s", o.Dir(), who), err)
				break
			}
		}
		if r.err != nil && !errors.As(r.err, new(*overlay.Refusal)) {
			return r.err
		}
		if r.err != nil {
			miss(l.git.Organization(o.Team), fmt.Sprintf("%s on %s", o.Dir(), who), r.err)
		}
	}
	return l.snapshot.Files(ctx, ref, l.reading(who))
}

// reading notes that who needs every digest in a file. The error is why there may be more in it.
func (l *gitLook) reading(who string) func(content []byte) error {
	return func(content []byte) error {
		room := min(l.demand.size()+maxDigests, maxDigestsAll)
		err := l.contents.digests(content, func(digest string) error { return l.need(digest, who, room) })
		if err == nil && bytes.HasPrefix(content, lfs) {
			err = errLFS
		}
		return err
	}
}

// need notes that who needs a digest, unless so many others are noted already.
func (l *gitLook) need(digest, who string, room int) error {
	if l.demand.By(digest) == "" && l.demand.size() >= room {
		return errDigests
	}
	l.demand.Need(digest, who)
	return nil
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
	if l.git.rendered == nil {
		l.git.rendered = map[string]rendering{}
	}
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
