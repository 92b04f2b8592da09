package overlay

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Repository is a working copy on disk. No path leads out of it, nor through a symbolic link.
type Repository struct {
	// Warn gets what kustomize warns of, as with Warner; nil: nobody does.
	Warn func(line string)
	root *os.Root
}

// Locate opens the working copy that holds path, the directory of an overlay or its kustomization: the nearest directory
// above that has .git. The error is a *Refusal, or the file system's.
func Locate(name string) (*Repository, Overlay, error) {
	absolute, err := filepath.Abs(name)
	if err != nil {
		return nil, Overlay{}, err
	}
	for dir := absolute; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			repository, err := OpenRepository(dir)
			if err != nil {
				return nil, Overlay{}, err
			}
			o, err := repository.overlay(absolute)
			if err != nil {
				return nil, Overlay{}, errors.Join(err, repository.Close())
			}
			return repository, o, nil
		}
	}
	return nil, Overlay{}, refuse(ReasonPath, "give a path in a clone of the repository", "%q is in no Git repository", name)
}

// OpenRepository opens the working copy whose root is dir.
func OpenRepository(dir string) (*Repository, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening repository: %w", err)
	}
	return &Repository{root: root}, nil
}

// Close releases the working copy.
func (r *Repository) Close() error { return r.root.Close() }

// FS is the working copy to read, for Set, Promote and Verify.
func (r *Repository) FS() fs.FS {
	if tree, ok := r.root.FS().(fs.ReadLinkFS); ok && r.Warn != nil {
		return warned{tree, r.Warn}
	}
	return r.root.FS()
}

// warned is a Warner.
type warned struct {
	fs.ReadLinkFS
	warn func(line string)
}

// Warn hands the line on.
func (w warned) Warn(line string) { w.warn(line) }

// overlay is the overlay at a path, given from the file system's root.
func (r *Repository) overlay(absolute string) (Overlay, error) {
	relative, err := filepath.Rel(r.root.Name(), absolute)
	elements := strings.Split(strings.TrimSuffix(filepath.ToSlash(relative), "/"+fileName), "/")
	if err != nil || len(elements) != 5 || elements[0] != appsDir || elements[3] != "overlays" {
		return Overlay{}, refuse(ReasonPath, "the contract has apps/<team>/<app>/overlays/<env>/"+fileName, "%q is no overlay", relative)
	}
	o := Overlay{elements[1], elements[2], elements[4]}
	return o, o.validate()
}

// Write writes an edit in place of the file that it was made for; who reads the file sees all of it or nothing. A file
// that changed since is refused.
func (r *Repository) Write(e Edit) error {
	now, err := readFile(r.FS(), e.Path)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, e.Before) {
		return refuse(ReasonChanged, "run it again", "%q changed since it was read", e.Path)
	}
	if !e.Changed() {
		return nil
	}
	info, err := r.root.Lstat(e.Path)
	if err != nil {
		return err
	}
	// A name of its own: one that is always the same may be left over, or somebody's.
	temporary := e.Path + "." + rand.Text() + ".new"
	file, err := r.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return fmt.Errorf("writing %q: %w", e.Path, err)
	}
	_, err = file.Write(e.After)
	err = errors.Join(err, file.Chmod(info.Mode().Perm()), file.Close())
	if err == nil {
		err = r.root.Rename(temporary, e.Path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %q: %w", e.Path, err), r.root.Remove(temporary))
	}
	return nil
}
