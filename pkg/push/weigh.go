package push

import (
	"bytes"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/ingest"
)

// weigh tells, once, of a blob that Quay will be slow with: that looks like a push that hangs. It looks at what is read to be sent, and
// returns that again.
func (p *pusher) weigh(d v1.Descriptor, content io.ReadCloser) io.ReadCloser {
	if d.Size < ingest.From {
		return content
	}
	if _, known := p.weighed.LoadOrStore(d.Digest, true); known {
		return content
	}
	start := make([]byte, ingest.Start)
	n, err := io.ReadFull(content, start)
	start = start[:n]
	if err == nil {
		p.tellOf(d, ingest.Of(d.Size, start))
	}
	return &begun{io.MultiReader(bytes.NewReader(start), &failed{err}, content), content}
}

// tellOf warns of a cost.
func (p *pusher) tellOf(d v1.Descriptor, c ingest.Cost) {
	switch {
	case !c.Slow():
	case c.Members:
		p.log.Warn("QUAY IS SLOW WITH THIS LAYER: it has several gzip members, as eStargz has, and the time grows with the square of its size",
			"digest", d.Digest.String(), "bytes", d.Size, "takes_about", c.Most.String(),
			"next", "let the build compress it as one gzip member, or with zstd")
	default:
		p.log.Warn("Quay unpacks this layer on one processor, since it is one piece in gzip",
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
