package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// layout is an OCI image layout directory (OCI image spec v1.1, image-layout.md).
type layout struct {
	*selection
	dir *os.Root
}

// openLayout opens the layout that name is the path of, with an optional :REF behind it that picks one of several
// images, as skopeo writes it.
func openLayout(_ context.Context, name string) (source, error) {
	directory, ref := name, ""
	info, err := os.Lstat(directory)
	if at := strings.LastIndexByte(name, ':'); err != nil && at >= 0 && !strings.Contains(name[at:], "/") {
		directory, ref = name[:at], name[at+1:]
		info, err = os.Lstat(directory)
	}
	switch {
	case err != nil:
		return nil, missing(err, "the OCI layout %q is not there", directory)
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, refused("the OCI layout %q is a symbolic link", directory)
	case !info.IsDir():
		return nil, refused("the OCI layout %q is not a directory", directory)
	}
	dir, err := os.OpenRoot(directory)
	if err != nil {
		return nil, missing(err, "the OCI layout %q cannot be opened", directory)
	}
	l := &layout{dir: dir}
	if err := l.load(ref); err != nil {
		dir.Close()
		return nil, err
	}
	return l, nil
}

// load reads oci-layout and index.json.
func (l *layout) load(ref string) error {
	version, err := l.readAll("oci-layout")
	if err != nil {
		return err
	}
	var header struct {
		Version string `json:"imageLayoutVersion"`
	}
	if json.Unmarshal(version, &header) != nil || !strings.HasPrefix(header.Version, "1.") {
		return refused("%q does not say imageLayoutVersion 1", l.path("oci-layout"))
	}
	for _, part := range []string{"blobs", "blobs/sha256"} {
		info, err := l.dir.Lstat(part)
		if err != nil {
			return missing(err, "the OCI layout has no %q", part)
		}
		if !info.IsDir() {
			return refused("%q is not a directory but %s", l.path(part), kind(info.Mode()))
		}
	}
	index, err := l.readAll("index.json")
	if err != nil {
		return err
	}
	l.selection, err = selectImage(index, ref, l.path("index.json"), l.readBlob)
	return err
}

func (l *layout) Close() error { return l.dir.Close() }

func (l *layout) path(name string) string { return path.Join(l.dir.Name(), name) }

func blobPath(d v1.Descriptor) string { return "blobs/" + d.Digest.Algorithm + "/" + d.Digest.Hex }

func (l *layout) check(_ context.Context, d v1.Descriptor) error {
	file, err := l.openBlob(d)
	if err != nil {
		return err
	}
	return file.Close()
}

func (l *layout) open(_ context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	return l.openBlob(d)
}

// openBlob opens the file of d and compares sizes.
func (l *layout) openBlob(d v1.Descriptor) (*os.File, error) {
	file, info, err := l.openFile(blobPath(d))
	if err != nil {
		return nil, err
	}
	if info.Size() != d.Size {
		file.Close()
		return nil, corrupt("blob %q has %d bytes, its descriptor says %d", l.path(blobPath(d)), info.Size(), d.Size)
	}
	return file, nil
}

// openFile opens a regular file of the layout, never through a link: what was looked at must be what was opened.
func (l *layout) openFile(name string) (*os.File, fs.FileInfo, error) {
	looked, err := l.dir.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, missing(nil, "%q is missing", l.path(name))
	} else if err != nil {
		return nil, nil, missing(err, "%q cannot be read", l.path(name))
	}
	if !looked.Mode().IsRegular() {
		return nil, nil, refused("%q is not a regular file but %s", l.path(name), kind(looked.Mode()))
	}
	// Without O_NONBLOCK a pipe that took the file's place would hang the push.
	file, err := l.dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, missing(err, "%q cannot be read", l.path(name))
	}
	opened, err := file.Stat()
	if err != nil || !os.SameFile(looked, opened) {
		file.Close()
		return nil, nil, refused("%q was exchanged while it was opened", l.path(name))
	}
	return file, opened, nil
}

// readAll reads a small file of the layout.
func (l *layout) readAll(name string) ([]byte, error) {
	file, info, err := l.openFile(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info.Size() > maxManifest {
		return nil, refused("%q has %d bytes, at most %d are read", l.path(name), info.Size(), maxManifest)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxManifest))
	if err != nil {
		return nil, missing(err, "%q cannot be read", l.path(name))
	}
	return data, nil
}

func (l *layout) readBlob(d v1.Descriptor) ([]byte, error) {
	return readManifest(context.Background(), l, d)
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
