package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
	"github.com/comptech-lab/quay-push/pkg/push/source/choice"
	"github.com/comptech-lab/quay-push/pkg/push/source/files"
	"github.com/comptech-lab/quay-push/pkg/push/strict"
)

// layout is an OCI image layout (OCI image spec v1.1, image-layout.md), as a directory or as a tar file of one.
type layout struct {
	*choice.Selection
	files tree
	// saved is the tar file if it has what docker save writes, too; then a part of the layout may be missing.
	saved string
}

// tree is what a source has by name.
type tree interface {
	// Open opens a regular file, never through a link, and returns its size in bytes.
	Open(name string) (io.ReadCloser, int64, error)
	// Path is what an error calls the file.
	Path(name string) string
	io.Closer
}

// openLayout opens the layout that name is the path of, with an optional :REF behind it that picks one of several images.
func openLayout(_ context.Context, o Options, name string) (Source, error) {
	path, ref := files.SplitRef(name)
	dir, err := files.OpenDirectory(path)
	if err != nil {
		return nil, err
	}
	return newLayout(o.Log, dir, ref)
}

// openOCIArchive is openLayout for a tar file.
func openOCIArchive(ctx context.Context, o Options, name string) (Source, error) {
	path, ref := files.SplitRef(name)
	a, err := files.OpenArchive(ctx, path)
	if err != nil {
		return nil, err
	}
	if !a.Has("oci-layout") && a.Has(savedImages) {
		a.Close()
		return nil, failure.Missing(nil, "%q has no %q: it is what docker save writes", path, "oci-layout").Then("name it as docker-archive:FILE in " + failure.SourceFlag)
	}
	return newLayout(o.Log, a, ref)
}

// newLayout reads oci-layout and index.json. It closes f when it fails.
func newLayout(log *slog.Logger, f tree, ref string) (Source, error) {
	l := &layout{files: f}
	if a, ok := f.(*files.Archive); ok && a.Has(savedImages) {
		l.saved = a.Name()
	}
	if err := l.load(ref); err != nil {
		f.Close()
		return nil, err
	}
	for _, err := range l.Skipped {
		log.Warn("cannot tell whether a manifest beside the image refers to it, so it is left out", "because", err.Error())
	}
	return l, nil
}

func (l *layout) load(ref string) error {
	version, err := readSmall(l.files, "oci-layout")
	if err != nil {
		return err
	}
	var header struct {
		Version string `json:"imageLayoutVersion"`
	}
	if strict.Decode(version, &header, "not a version") != nil || !strings.HasPrefix(header.Version, "1.") {
		return failure.Refused("%q does not say imageLayoutVersion 1", l.files.Path("oci-layout")).Then("let the build write a layout of version 1.0.0, such as with buildah push IMAGE oci:DIRECTORY")
	}
	index, err := readSmall(l.files, "index.json")
	if err != nil {
		return err
	}
	l.Selection, err = choice.Select(index, ref, l.files.Path("index.json"), func(d v1.Descriptor) ([]byte, error) {
		return readManifest(context.Background(), l, d)
	})
	return err
}

func (l *layout) root() v1.Descriptor          { return l.Image }
func (l *layout) referrers() []choice.Referrer { return l.Referrers }

func (l *layout) Close() error { return l.files.Close() }

func (l *layout) check(ctx context.Context, d v1.Descriptor) error {
	content, err := l.open(ctx, d)
	if err != nil {
		return err
	}
	return content.Close()
}

// open opens the blob d and compares sizes.
func (l *layout) open(_ context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	name := "blobs/" + d.Digest.Algorithm + "/" + d.Digest.Hex
	content, size, err := l.files.Open(name)
	if err != nil {
		return nil, l.incomplete(err)
	}
	if size != d.Size {
		content.Close()
		return nil, failure.Corrupt("blob %q has %d bytes, its descriptor says %d", l.files.Path(name), size, d.Size)
	}
	return content, nil
}

// incomplete explains why a part of what docker save wrote is missing: it saves the index of all platforms, and only those of
// them that it has.
func (l *layout) incomplete(err error) error {
	if reason := (*failure.Error)(nil); l.saved != "" && errors.As(err, &reason) && reason.Class == failure.ClassSourceMissing {
		return reason.Then("docker save leaves out the platforms that it does not have: push the one that is there with --source docker-archive:" + l.saved)
	}
	return err
}

// readSmall reads a file that is no blob into memory.
func readSmall(f tree, name string) ([]byte, error) {
	content, size, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	if size > registry.MaxManifest {
		return nil, failure.Refused("%q has %d bytes, at most %d are read", f.Path(name), size, registry.MaxManifest).Then("let the build put fewer images into one source, and fewer labels and variables into one image")
	}
	data, err := io.ReadAll(io.LimitReader(content, registry.MaxManifest))
	if err != nil {
		return nil, failure.Unreadable(err, fmt.Sprintf("%q", f.Path(name)))
	}
	return data, nil
}
