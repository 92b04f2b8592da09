package push

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// directory is a layout's directory.
type directory struct{ root *os.Root }

// openDirectory opens the directory at name, never through a link in its last element.
func openDirectory(name string) (*directory, error) {
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
	d := &directory{root}
	for _, part := range []string{"blobs", "blobs/sha256"} {
		if info, err = root.Lstat(part); errors.Is(err, fs.ErrNotExist) {
			err = failure.NoSource(nil, "the OCI layout %q has no %q", name, part)
		} else if err != nil {
			err = failure.Unreadable(err, fmt.Sprintf("%q", d.path(part)))
		} else if !info.IsDir() {
			err = failure.Refused("%q is not a directory but %s", d.path(part), kind(info.Mode())).Then("let the build leave the directories themselves, not links to them (cp -L)")
		}
		if err != nil {
			root.Close()
			return nil, err
		}
	}
	return d, nil
}

func (d *directory) open(name string) (io.ReadCloser, int64, error) {
	file, info, err := openFile(d.root, name, d.path(name))
	if err != nil {
		return nil, 0, err
	}
	return file, info.Size(), nil
}

func (d *directory) path(name string) string { return path.Join(d.root.Name(), name) }

func (d *directory) Close() error { return d.root.Close() }
