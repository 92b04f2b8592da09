// Package files reads the files of a source where they lie, in a directory or a tar file, and never through a link.
package files

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/source/compress"
)

// Bounds of a tar file, so that a hostile one cannot fill the memory with headers.
const (
	// maxEntries is how many entries it may have.
	maxEntries = 30_000
	// maxEntryName is how long the name of one may be, in bytes.
	maxEntryName = 255
	// maxNames is how long the names of all of them and of what they link to may be together.
	maxNames = 4 << 20
	// maxHeader is how many bytes the headers of one may have, those for long names, attributes and holes included.
	maxHeader = 64 << 10
)

// Archive is a tar file, read where it lies: its headers once, its content when it is asked for. One that is compressed as a whole is
// read from a temporary file. It is safe for concurrent use.
type Archive struct {
	// path is what errors call it, whatever content is read from.
	path    string
	content content
	entries map[string]entry
	// names is how long the names of the entries and of what they link to are together.
	names int
}

// content is what an archive is read from.
type content interface {
	io.ReaderAt
	io.Closer
}

// OpenArchive reads the headers of the tar file at path, never through a link in its last element. Names that two readers
// could take for different files are refused. One that is compressed with gzip or zstd is decompressed first, into os.TempDir.
func OpenArchive(ctx context.Context, path string) (*Archive, error) {
	file, info, err := Open(path)
	if err != nil {
		return nil, err
	}
	a, size := newArchive(path, file), info.Size()
	if format := compress.Format(file); format != "" {
		defer file.Close()
		unpacked, err := unpack(ctx, file, format, maxUnpacked)
		if err != nil {
			return nil, err
		}
		a.content, size = unpacked, unpacked.Size()
	}
	if err := a.index(ctx, size); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func newArchive(path string, content content) *Archive {
	return &Archive{path: path, content: content, entries: map[string]entry{}}
}

// index reads the headers of a tar file of the given size.
func (a *Archive) index(ctx context.Context, size int64) error {
	read := &headers{SectionReader: io.NewSectionReader(a.content, 0, size)}
	reader := tar.NewReader(read)
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return failure.Ended(ctx, err)
		}
		read.read = 0
		header, err := reader.Next()
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, errHeader):
			return failure.Refused("%q has more than %d bytes of headers for one entry, after %d entries", a.path, maxHeader, n).Then(failure.AsDirectory)
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return failure.Corrupt("%q is not a tar file, or cut off: %v, after %d entries", a.path, err, n)
		}
		if n == maxEntries {
			return failure.Refused("%q has more than %d entries", a.path, maxEntries).Then(failure.AsDirectory)
		}
		// The reader takes no byte more than the header, so the content starts here.
		offset, err := read.Seek(0, io.SeekCurrent)
		if err != nil {
			return failure.Unreadable(err, fmt.Sprintf("%q", a.path))
		}
		if err := a.add(header, offset, size); err != nil {
			return err
		}
	}
}

// errHeader is the end of a header that is too large.
var errHeader = errors.New("the header is too large")

// headers are what is read of a tar file while its content is passed over.
type headers struct {
	*io.SectionReader
	// read counts the bytes since the last entry.
	read int
}

func (h *headers) Read(b []byte) (int, error) {
	n, err := h.SectionReader.Read(b)
	if h.read += n; h.read > maxHeader {
		return 0, errHeader
	}
	return n, err
}

// Open opens a regular file, and returns its size in bytes.
func (a *Archive) Open(name string) (io.ReadCloser, int64, error) {
	content, err := a.Section(name)
	if err != nil {
		return nil, 0, err
	}
	return io.NopCloser(content), content.Size(), nil
}

// Has reports whether there is an entry with the given name, whatever it is.
func (a *Archive) Has(name string) bool {
	_, ok := a.entries[name]
	return ok
}

// Follow is the entry that name stands for by way of links, none of which leads out of the archive.
func (a *Archive) Follow(name string) (string, error) {
	const most = 8
	for range most {
		e := a.entries[path.Clean(name)]
		if e.kind == "" {
			return path.Clean(name), nil
		}
		if e.link == "" {
			return "", failure.Refused("%q is %s, or leads out of the archive", a.Path(name), e.kind).Then(failure.AsDirectory)
		}
		name = e.link
	}
	return "", failure.Refused("%q is behind more than %d links", a.Path(name), most).Then(failure.AsDirectory)
}

// Section is the content of a regular file.
func (a *Archive) Section(name string) (*io.SectionReader, error) {
	e, ok := a.entries[path.Clean(name)]
	switch {
	case !ok:
		return nil, failure.Missing(nil, "%q is missing", a.Path(name))
	case e.kind != "":
		return nil, notRegular(a.Path(name), e.kind)
	}
	return io.NewSectionReader(a.content, e.offset, e.size), nil
}

// Name is the path of the tar file.
func (a *Archive) Name() string { return a.path }

// Path is the tar file and the name in it, joined by a colon.
func (a *Archive) Path(name string) string { return a.path + ":" + name }

// Close closes the tar file.
func (a *Archive) Close() error { return a.content.Close() }
