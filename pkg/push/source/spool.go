package source

import (
	"io"
	"os"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// spool is a temporary file without a name: it is gone when the process is, however that ends.
type spool struct {
	file *os.File
	size int64
}

// newSpool makes one in os.TempDir.
func newSpool() (*spool, error) {
	file, err := os.CreateTemp("", "push-image-*")
	if err != nil {
		return nil, noScratch(err)
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return nil, noScratch(err)
	}
	return &spool{file: file}, nil
}

func (s *spool) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	s.size += int64(n)
	if err != nil {
		return n, noScratch(err)
	}
	return n, nil
}

// section is all that was written.
func (s *spool) section() *io.SectionReader { return io.NewSectionReader(s.file, 0, s.size) }

func (s *spool) Close() error { return s.file.Close() }

// noScratch is the error for a temporary directory that takes no file, or no more bytes.
func noScratch(err error) error {
	return &failure.Error{Class: failure.ClassNoScratch, Problem: "the compressed layers cannot be kept until they are sent", Err: err,
		Next: "make TMPDIR (default /tmp) a writable directory, such as an emptyDir, with room for them; or let the build leave an OCI layout, which needs none"}
}
