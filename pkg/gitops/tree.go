package gitops

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// tree is the tree of a commit, to read. Nothing is checked out: no filter, hook or symbolic link of the repository takes
// effect, and the bytes are those that the repository has.
type tree struct {
	pack *pack
	root plumbing.Hash
}

var _ fs.ReadLinkFS = tree{}

// Open opens a file or a directory; a symbolic link reads as its target.
func (t tree) Open(name string) (fs.File, error) {
	e, err := t.entry("open", name)
	if err != nil {
		return nil, err
	}
	if e.IsDir() {
		entries, err := t.list(name, e)
		return &directory{e, entries}, err
	}
	content, err := t.pack.find(plumbing.BlobObject, e.hash)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: notHeld(name, err)}
	}
	return file{e, bytes.NewReader(content)}, nil
}

// Lstat is the mode and size of what is at name.
func (t tree) Lstat(name string) (fs.FileInfo, error) {
	e, err := t.entry("lstat", name)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// ReadLink returns the target of a symbolic link.
func (t tree) ReadLink(name string) (string, error) {
	e, err := t.entry("readlink", name)
	if err != nil {
		return "", err
	}
	if e.mode != filemode.Symlink {
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
	found := entry{t.pack, treeEntry{name: ".", mode: filemode.Dir, hash: t.root}}
	if name == "." {
		return found, nil
	}
	for element := range strings.SplitSeq(name, "/") {
		if found.mode == filemode.Submodule {
			return entry{}, &overlay.Refusal{Reason: overlay.ReasonRemote, Next: "put the files themselves there",
				Problem: fmt.Sprintf("%q is in the submodule %q, of which nothing is fetched", name, found.name)}
		}
		if found.mode != filemode.Dir {
			return entry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		content, err := t.pack.find(plumbing.TreeObject, found.hash)
		if err == nil {
			found.treeEntry, err = findEntry(content, element)
		}
		if err != nil {
			return entry{}, &fs.PathError{Op: op, Path: name, Err: notHeld(name, err)}
		}
	}
	return found, nil
}

// notHeld says which file or directory it is that is too large.
func notHeld(name string, err error) error {
	if err == errNotHeld {
		return tooLarge("keep large files out of it", "%q, or a directory on the way there, is larger than what is read", name)
	}
	return err
}

// list lists a directory, sorted as fs.ReadDir does.
func (t tree) list(name string, dir entry) ([]fs.DirEntry, error) {
	if dir.mode == filemode.Submodule {
		return nil, nil // As after a clone, before its files are asked for.
	}
	content, err := t.pack.find(plumbing.TreeObject, dir.hash)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: notHeld(name, err)}
	}
	var entries []fs.DirEntry
	for e, err := range treeEntries(content) {
		if err == nil && (!fs.ValidPath(e.name) || e.name == "." || strings.Contains(e.name, "/")) {
			err = fs.ErrInvalid
		}
		if err != nil {
			return nil, &fs.PathError{Op: "readdir", Path: path.Join(name, e.name), Err: err}
		}
		entries = append(entries, fs.FileInfoToDirEntry(entry{t.pack, e}))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// entry is a fs.FileInfo.
type entry struct {
	pack *pack
	treeEntry
}

func (e entry) Name() string       { return e.name }
func (e entry) ModTime() time.Time { return time.Time{} } // Git keeps none.
func (e entry) IsDir() bool        { return e.Mode().IsDir() }
func (e entry) Sys() any           { return e.hash } // Which tells whether the content is the same.

// Size is that of a file; of one that is too large to be read, more than any that is.
func (e entry) Size() int64 {
	if e.IsDir() {
		return 0
	}
	content, err := e.pack.find(plumbing.BlobObject, e.hash)
	if err != nil {
		return maxObject + 1
	}
	return int64(len(content))
}

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
	*bytes.Reader
}

func (f file) Size() int64                { return f.entry.Size() }
func (f file) Stat() (fs.FileInfo, error) { return f.entry, nil }
func (f file) Close() error               { return nil }

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
