package gitops

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// tree is the tree of a commit, to read. Nothing is checked out: no filter, hook or symbolic link of the repository takes
// effect, and the bytes are those that the repository has.
type tree struct{ root *object.Tree }

var _ fs.ReadLinkFS = tree{}

// Open opens a file or a directory; a symbolic link reads as its target.
func (t tree) Open(name string) (fs.File, error) {
	entry, err := t.entry("open", name)
	if err != nil {
		return nil, err
	}
	if entry.IsDir() {
		entries, err := t.list(name)
		return &directory{entry, entries}, err
	}
	object, err := t.root.TreeEntryFile(&object.TreeEntry{Name: entry.Name(), Mode: entry.mode, Hash: entry.hash})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	reader, err := object.Reader()
	return file{entry, reader}, err
}

// Lstat is the mode and size of what is at name.
func (t tree) Lstat(name string) (fs.FileInfo, error) { return t.entry("lstat", name) }

// ReadLink returns the target of a symbolic link.
func (t tree) ReadLink(name string) (string, error) {
	entry, err := t.entry("readlink", name)
	if err != nil {
		return "", err
	}
	if entry.mode != filemode.Symlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	target, err := fs.ReadFile(t, name)
	return string(target), err
}

// entry finds what is at name.
func (t tree) entry(op, name string) (entry, error) {
	if !fs.ValidPath(name) {
		return entry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return entry{name: name, mode: filemode.Dir, hash: t.root.Hash}, nil
	}
	found, err := t.root.FindEntry(name)
	switch {
	// The last one is for a path through a file: go-git looks for a tree of its hash.
	case errors.Is(err, object.ErrEntryNotFound), errors.Is(err, object.ErrDirectoryNotFound), errors.Is(err, plumbing.ErrObjectNotFound):
		err = fs.ErrNotExist
	}
	if err != nil {
		return entry{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	e := entry{name: path.Base(name), mode: found.Mode, hash: found.Hash}
	if !e.IsDir() {
		e.size, err = t.root.Size(name)
	}
	return e, err
}

// list lists a directory, sorted as fs.ReadDir does.
func (t tree) list(name string) ([]fs.DirEntry, error) {
	in := t.root
	if name != "." {
		var err error
		if in, err = t.root.Tree(name); err != nil { // A submodule is not here.
			return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
		}
	}
	var entries []fs.DirEntry
	for _, found := range in.Entries {
		e, err := tree{in}.entry("readdir", found.Name)
		if err != nil {
			return nil, err
		}
		entries = append(entries, fs.FileInfoToDirEntry(e))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// entry is a fs.FileInfo.
type entry struct {
	name string
	mode filemode.FileMode
	hash plumbing.Hash
	size int64
}

func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return e.size }
func (e entry) ModTime() time.Time { return time.Time{} } // Git keeps none.
func (e entry) IsDir() bool        { return e.Mode().IsDir() }
func (e entry) Sys() any           { return nil }

// Mode is that of the entry; what Git does not know is irregular.
func (e entry) Mode() fs.FileMode {
	mode, err := e.mode.ToOSFileMode()
	if err != nil {
		return fs.ModeIrregular
	}
	return mode
}

// file is an open file.
type file struct {
	entry
	io.ReadCloser
}

func (f file) Stat() (fs.FileInfo, error) { return f.entry, nil }

// directory is an open directory.
type directory struct {
	entry
	left []fs.DirEntry
}

func (d *directory) Stat() (fs.FileInfo, error) { return d.entry, nil }
func (d *directory) Close() error               { return nil }
func (d *directory) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: fs.ErrInvalid}
}

// ReadDir returns the next n entries, all for 0 and less.
func (d *directory) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.left)
	} else if len(d.left) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.left))
	next := d.left[:n]
	d.left = d.left[n:]
	return next, nil
}
