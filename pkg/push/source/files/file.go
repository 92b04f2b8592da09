package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// openFile opens the regular file name below root, never through a link: what was looked at must be what was opened. path
// is what errors call it.
func openFile(root *os.Root, name, path string) (*os.File, fs.FileInfo, error) {
	looked, err := root.Lstat(name)
	if err != nil {
		return nil, nil, failure.Unreadable(err, fmt.Sprintf("%q", path))
	}
	if !looked.Mode().IsRegular() {
		return nil, nil, notRegular(path, kind(looked.Mode()))
	}
	// Without O_NONBLOCK a pipe that took the file's place would hang the push.
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, failure.Unreadable(err, fmt.Sprintf("%q", path))
	}
	opened, err := file.Stat()
	if err != nil || !os.SameFile(looked, opened) {
		file.Close()
		return nil, nil, failure.Refused("%q was exchanged while it was opened", path).Then("let nothing write to the source while it is pushed")
	}
	return file, opened, nil
}

// SplitRef splits PATH:REF, as skopeo writes it, where PATH is a path that exists; ref may have colons and slashes. A name
// that exists as it is has no ref, and one of which no part exists is returned whole.
func SplitRef(name string) (path, ref string) {
	for path := name; ; {
		if _, err := os.Lstat(path); err == nil {
			return path, strings.TrimPrefix(name[len(path):], ":")
		}
		end := strings.LastIndexByte(path, ':')
		if end < 0 {
			return name, ""
		}
		path = path[:end]
	}
}

// Open opens the regular file at path, never through a link in its last element.
func Open(path string) (*os.File, fs.FileInfo, error) {
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return nil, nil, notRegular(path, kind(info.Mode())).Then("a layout in a directory is oci:DIRECTORY in " + failure.SourceFlag)
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, failure.NoSource(err, "%q is not there", path)
	} else if err != nil {
		return nil, nil, failure.Unreadable(err, fmt.Sprintf("%q", path))
	}
	defer root.Close()
	return openFile(root, filepath.Base(path), path)
}

// notRegular is the error for something in the place of a file.
func notRegular(path, kind string) *failure.Error {
	return failure.Refused("%q is not a regular file but %s", path, kind).Then("let the build leave the files themselves, not links to them (cp -L), and no pipes")
}

// kind is what a file is that is not regular.
func kind(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode.IsDir():
		return "a directory"
	case mode.IsRegular():
		return "a file"
	}
	return fmt.Sprintf("a special file (%s)", mode.Type())
}
