package ingest

import (
	"bytes"
	"io"
	"log/slog"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Weigh tells of a blob that Quay will be slow with: that looks like a push that hangs. It looks at what is read to be sent, and returns
// that again.
func Weigh(log *slog.Logger, d v1.Descriptor, content io.ReadCloser) io.ReadCloser {
	if d.Size < From {
		return content
	}
	start := make([]byte, Start)
	n, err := io.ReadFull(content, start)
	start = start[:n]
	if err == nil {
		Of(d.Size, start).tell(log, d)
	}
	return &begun{io.MultiReader(bytes.NewReader(start), &failed{err}, content), content}
}

// tell warns of a cost.
func (c Cost) tell(log *slog.Logger, d v1.Descriptor) {
	switch {
	case !c.Slow():
	case c.Members:
		log.Warn("QUAY IS SLOW WITH THIS LAYER: it has several gzip members, as eStargz has, and the time grows with the square of its size",
			"digest", d.Digest.String(), "bytes", d.Size, "takes_about", c.Most.String(),
			"next", "let the build compress it as one gzip member, or with zstd")
	default:
		log.Warn("Quay unpacks this layer on one processor, since it is one piece in gzip",
			"digest", d.Digest.String(), "bytes", d.Size, "takes_at_least", c.Least.String(), "and_up_to", c.Most.String(),
			"next", "compress it with zstd, of a docker-archive by --compression zstd, or let the build make several layers of even size of it")
	}
}

// begun is content whose start was read.
type begun struct {
	io.Reader
	io.Closer
}

// failed is the place in some content where reading it failed; the error is sticky. Without one it has no bytes.
type failed struct{ err error }

func (f *failed) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}
