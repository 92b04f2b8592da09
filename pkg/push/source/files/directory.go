package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// Directory is a layout's directory.
type Directory struct{ root *os.Root }

// OpenDirectory opens the directory at name, never through a link in its last element.
func OpenDirectory(name string) (*Directory, error) {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, failure.NoSource(err, "the OCI layout %q is not there", name)
	case err != nil:
		return nil, failure.Unreadable(err, fmt.Sprintf("the OCI layout %q", name))
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, failure.Refused("the OCI layout %q is a symbolic link", name).Then("name the directory that it leads to in " + failure.SourceFlag)
	case !info.IsDir():
		return nil, failure.Refused("the OCI layout %q is not a directory", name).Then("a tar file is oci-archive:FILE or docker-archive:FILE in " + failure.SourceFlag)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, failure.Unreadable(err, fmt.Sprintf("the OCI layout %q", name))
	}
	d := &Directory{root}
	for _, part := range []string{"blobs", "blobs/sha256"} {
		if info, err = root.Lstat(part); errors.Is(err, fs.ErrNotExist) {
			err = failure.NoSource(nil, "the OCI layout %q has no %q", name, part)
		} else if err != nil {
			err = failure.Unreadable(err, fmt.Sprintf("%q", d.Path(part)))
		} else if !info.IsDir() {
			err = failure.Refused("%q is not a directory but %s", d.Path(part), kind(info.Mode())).Then("let the build leave the directories themselves, not links to them (cp -L)")
		}
		if err != nil {
			root.Close()
			return nil, err
		}
	}
	return d, nil
}

// Open opens a regular file, never through a link, and returns its size in bytes.
func (d *Directory) Open(name string) (io.ReadCloser, int64, error) {
	file, info, err := openFile(d.root, name, d.Path(name))
	if err != nil {
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// Path is the directory and the name in it.
func (d *Directory) Path(name string) string { return path.Join(d.root.Name(), name) }

// Close closes the directory.
func (d *Directory) Close() error { return d.root.Close() }
