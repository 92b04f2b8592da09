// Package source reads the image to push from where a build left it, as hostile input: an OCI layout, a docker-archive or another registry.
package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/source/choice"
	"github.com/comptech-lab/quay-push/pkg/push/source/files"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// Source is an image as a build left it. Whatever it says and serves is hostile input: who reads from it checks sizes
// and digests. It is safe for concurrent use.
type Source interface {
	// root is the manifest or index to push.
	root() v1.Descriptor
	// referrers are manifests that have a subject, be it root, something below it, one of them or none of these.
	referrers() []choice.Referrer
	// check says, without reading it, whether the content of d is there in its full size.
	check(ctx context.Context, d v1.Descriptor) error
	// open returns the content of d from its first byte.
	open(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error)
	io.Closer
}

// transports are the prefixes of --source, with what opens the rest.
var transports = []struct {
	prefix string
	open   func(ctx context.Context, o Options, rest string) (Source, error)
}{
	{"oci:", openLayout},
	{"oci-archive:", openOCIArchive},
	{"docker-archive:", openDockerArchive},
	{remotePrefix, openRemote},
}

// remotePrefix begins a source in a registry.
const remotePrefix = "docker://"

// Options is what it takes to open a source.
type Options struct {
	Log *slog.Logger
	// Dir is the directory in which the source is; empty: the paths are those of the process, and it may be in a registry.
	Dir string
	// Compression is the format to which the layers of a docker-archive are compressed, "gzip" or "zstd".
	Compression string
	// Image is how one in a registry is reached.
	Image Reach
}

// Open opens what names, the value of --source, says: the index of all of them if there are several, as reference.Sources reads
// them. A path without a prefix is looked at.
func Open(ctx context.Context, names string, o Options) (Source, error) {
	if all := reference.Sources(names); len(all) > 1 && !o.hasCommas(names) {
		return openSeveral(ctx, all, o)
	}
	return openOne(ctx, strings.TrimSpace(names), o)
}

// hasCommas reports whether name is a source with a comma in its path, which is there: it was one before a comma separated several.
func (o Options) hasCommas(name string) bool {
	for _, t := range transports {
		if rest, ok := strings.CutPrefix(name, t.prefix); ok && t.prefix != remotePrefix {
			name = rest
		}
	}
	path, _ := files.SplitRef(o.within(name))
	_, err := os.Lstat(path)
	return err == nil && strings.Contains(strings.TrimPrefix(path, o.Dir), ",")
}

// within is the path of a source, with a REF or not, as it is looked for.
func (o Options) within(path string) string {
	if o.Dir == "" {
		return path
	}
	return o.Dir + "/" + path
}

// openOne opens one, and says where the compression that was asked for is for nothing.
func openOne(ctx context.Context, name string, o Options) (Source, error) {
	s, err := openAs(ctx, name, o)
	if _, saved := s.(*dockerArchive); err == nil && !saved && o.Compression == "zstd" {
		o.Log.Warn("--compression is for the layers of a docker-archive: this source goes as it is", "source", name)
	}
	return s, err
}

func openAs(ctx context.Context, name string, o Options) (Source, error) {
	if name == "" && o.Dir == "" {
		return nil, failure.Usage("--source is missing, such as oci:DIRECTORY")
	}
	for _, t := range transports {
		rest, ok := strings.CutPrefix(name, t.prefix)
		if !ok {
			continue
		}
		if t.prefix != remotePrefix {
			return t.open(ctx, o, o.within(rest))
		}
		if o.Dir != "" {
			return nil, failure.Usage("--source is in a registry, and with --source-dir it has to be in that directory")
		}
		return t.open(ctx, o, rest)
	}
	return detectSource(ctx, o, o.within(name))
}

// detectSource opens a bare path, with an optional :REF behind it, as what it is. What docker save writes is a layout, too,
// since Docker 25: then it is taken for that, since a layout's bytes and digest stay as they are.
func detectSource(ctx context.Context, o Options, name string) (Source, error) {
	path, ref := files.SplitRef(name)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, failure.NoSource(err, "the source %q is not there", path)
	case err != nil:
		return nil, failure.Unreadable(err, fmt.Sprintf("the source %q", path))
	case info.IsDir():
		return openLayout(ctx, o, name)
	}
	a, err := files.OpenArchive(ctx, path)
	if err != nil {
		return nil, err
	}
	switch {
	case a.Has("oci-layout"):
		return newLayout(o.Log, a, ref)
	case a.Has(savedImages):
		return newDockerArchive(ctx, o, a, ref)
	}
	a.Close()
	return nil, failure.NoSource(nil, "%q is neither a layout nor what docker save writes: it has no %q and no %q", path, "oci-layout", savedImages)
}
