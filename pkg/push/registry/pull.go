package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry/retry"
	"github.com/comptech-lab/quay-push/pkg/push/registry/transport"
)

// Pull is the content of a blob in the source's registry. When the connection breaks it goes on where it was.
type Pull struct {
	ctx      context.Context
	registry *Registry
	retry    *retry.Retrier
	blob     v1.Descriptor
	at       int64 // bytes that came
	// ends is how often an answer ended in good order since the last byte, and too early.
	ends int

	delivery *delivery        // the last one; nil: none yet
	body     io.Closer        // nil: not connected
	watch    *transport.Watch // of the connection
	cancel   context.CancelCauseFunc
	conn     context.Context
}

// Pull opens the blob d without asking for it yet: that comes with the first read, which, as all of them, is tried again by retry.
func (r *Registry) Pull(ctx context.Context, retry *retry.Retrier, d v1.Descriptor) *Pull {
	return &Pull{ctx: ctx, registry: r, retry: retry, blob: d}
}

func (p *Pull) Read(b []byte) (n int, err error) {
	if p.at == p.blob.Size {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), p.blob.Size-p.at)]
	err = p.retry.Run(p.ctx, "reading blob "+p.blob.Digest.String()+" of the source", func(context.Context, int) error {
		n, err = p.read(b)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// read reads at least one byte, or fails and is not connected then.
func (p *Pull) read(b []byte) (n int, err error) {
	if p.body == nil {
		err = p.connect()
	}
	if err == nil {
		p.watch.Limit(p.watch.Stall)
		n, err = io.ReadAtLeast(p.delivery, b, 1)
		// While nobody reads, nothing stalls.
		p.watch.Stop()
		p.at += int64(n)
	}
	if n > 0 {
		p.ends = 0
		return n, nil
	}
	p.Close()
	if cause := context.Cause(p.conn); errors.Is(cause, failure.ErrStalled) {
		err = cause
	} else if errors.Is(err, io.EOF) {
		// One that is cut off may look like this, too, but not a second time at the same byte.
		if p.ends++; p.ends > 1 {
			return 0, p.Other(failure.Corrupt("blob %q ends after %d of %d bytes", p.blob.Digest, p.at, p.blob.Size))
		}
		err = p.cutOff()
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		err = p.cutOff()
	}
	if errors.As(err, new(*failure.Error)) || errors.As(err, new(*failure.Answer)) || errors.As(err, new(*failure.Request)) {
		return 0, err
	}
	return 0, &failure.Request{Method: http.MethodGet, Host: p.registry.Base.Host, Path: "/v2/" + p.registry.repository + "/blobs/" + p.blob.Digest.String(), Err: err}
}

// cutOff is the error for a connection that ended.
func (p *Pull) cutOff() error { return fmt.Errorf("it ends after %d of %d bytes", p.at, p.blob.Size) }

// connect asks for what has not come yet.
func (p *Pull) connect() error {
	p.conn, p.cancel = context.WithCancelCause(p.ctx)
	// Half the time, so that the registry which waits for the bytes does not look like the one that stalls.
	p.watch = transport.NewWatch(p.registry.stall/2, p.cancel)
	p.watch.Limit(p.watch.Stall)
	delivery, err := p.registry.getBlob(p.conn, p.blob, p.at)
	if answered := (*failure.Answer)(nil); p.at > 0 && errors.As(err, &answered) && answered.Status == http.StatusRequestedRangeNotSatisfiable {
		return p.Other(failure.Corrupt("blob %q ends after %d of %d bytes", p.blob.Digest, p.at, p.blob.Size))
	}
	if err != nil {
		return err
	}
	p.delivery, p.body = delivery, delivery.Body
	if err := p.delivery.fits(p.at, p.blob.Size); err != nil {
		_, _ = io.CopyN(io.Discard, p.delivery, maxStart) // What does not come is not told.
		return p.Other(failure.Corrupt("blob %q %v", p.blob.Digest, err))
	}
	if p.at > 0 && delivery.StatusCode == http.StatusOK {
		// A server that knows no ranges starts again.
		_, err = io.CopyN(io.Discard, p.delivery, p.at)
	}
	return err
}

// Other adds to e, the error for content that is not the blob's, what came in its place.
func (p *Pull) Other(e *failure.Error) *failure.Error {
	e.Next = failure.Rewritten
	if p.delivery == nil {
		return e
	}
	if p.body != nil && p.at == p.blob.Size {
		p.watch.Limit(p.watch.Stall)
		if n, _ := io.ReadAtLeast(p.delivery, make([]byte, 1), 1); n > 0 {
			e.Problem = fmt.Sprintf("blob %q has more than the %d bytes of its descriptor", p.blob.Digest, p.blob.Size)
		}
	}
	d := p.delivery
	e.Proof = d.String()
	if words := d.words(); words != "" {
		e.Proof += fmt.Sprintf(", and begins with %q", words)
	}
	if d.isPage() {
		name, host := p.registry.Party(&failure.Request{Host: d.Request.URL.Host})
		e.Class, e.Problem = failure.ClassProtocol, fmt.Sprintf("%s sent a page in the place of blob %q", name, p.blob.Digest)
		e.Next = p.registry.NotInFront() + "; if it does, show the proof to who runs what is in front of " + host + ", such as a login, a firewall or a proxy"
	}
	return e
}

// Close ends the connection, if there is one.
func (p *Pull) Close() error {
	if p.cancel != nil {
		p.watch.Stop()
		p.cancel(nil)
	}
	if p.body != nil {
		p.body.Close()
		p.body = nil
	}
	return nil
}
