// Package scratch keeps on disk what is too large for the memory, until it is sent.
package scratch

import (
	"io"
	"os"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// File is a temporary file without a name: it is gone when the process is, however that ends.
type File struct {
	file *os.File
	size int64
	what string
}

// New makes one in os.TempDir for what is kept in it, such as "the compressed layers". It and Write end in a *failure.Error where
// the directory takes no file, or no more bytes.
func New(what string) (*File, error) {
	f := &File{what: what}
	file, err := os.CreateTemp("", "push-image-*")
	if err != nil {
		return nil, f.full(err)
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return nil, f.full(err)
	}
	f.file = file
	return f, nil
}

// Write appends p.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.file.Write(p)
	f.size += int64(n)
	if err != nil {
		return n, f.full(err)
	}
	return n, nil
}

// Size is how many bytes were written.
func (f *File) Size() int64 { return f.size }

// ReadAt reads what was written.
func (f *File) ReadAt(p []byte, offset int64) (int, error) { return f.file.ReadAt(p, offset) }

// Section is all that was written.
func (f *File) Section() *io.SectionReader { return io.NewSectionReader(f.file, 0, f.size) }

// Close closes the file, and with that its content is gone.
func (f *File) Close() error { return f.file.Close() }

// full is the error for a temporary directory that takes no file, or no more bytes.
func (f *File) full(err error) error {
	return &failure.Error{Class: failure.ClassNoScratch, Problem: f.what + " cannot be kept until they are sent", Err: err,
		Next: "make TMPDIR (default /tmp) a writable directory, such as an emptyDir, with room for them; or let the build leave an OCI layout, which needs none"}
}
