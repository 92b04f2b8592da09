package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// pull is the content of a blob in the source's registry. When the connection breaks it goes on where it was.
type pull struct {
	ctx    context.Context
	remote *remote
	blob   v1.Descriptor
	at     int64 // bytes that came

	body   io.ReadCloser // nil: not connected
	watch  *watch        // of the connection
	cancel context.CancelCauseFunc
	conn   context.Context
}

func (p *pull) Read(b []byte) (n int, err error) {
	if p.at == p.blob.Size {
		return 0, io.EOF
	}
	err = p.remote.retry.run(p.ctx, "reading blob "+p.blob.Digest.String()+" of the source", func(context.Context, int) error {
		n, err = p.read(b)
		return err
	})
	if err != nil {
		return 0, p.remote.explain(p.ctx, err)
	}
	return n, nil
}

// read reads at least one byte, or fails and is not connected then.
func (p *pull) read(b []byte) (n int, err error) {
	if p.body == nil {
		err = p.connect()
	}
	if err == nil {
		p.watch.limit(p.watch.stall)
		n, err = io.ReadAtLeast(p.body, b, 1)
		// While nobody reads, nothing stalls.
		p.watch.stop()
		p.at += int64(n)
	}
	if n > 0 {
		return n, nil
	}
	if cause := context.Cause(p.conn); errors.Is(cause, errStalled) {
		err = cause
	} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("it ends after %d of %d bytes", p.at, p.blob.Size)
	}
	p.Close()
	if errors.As(err, new(*answerError)) || errors.As(err, new(*requestError)) {
		return 0, err
	}
	return 0, &requestError{method: http.MethodGet, host: p.remote.from.host, path: "/v2/" + p.remote.repository + "/blobs/" + p.blob.Digest.String(), err: err}
}

// connect asks for what has not come yet.
func (p *pull) connect() error {
	p.conn, p.cancel = context.WithCancelCause(p.ctx)
	// Half the time, so that the registry which waits for the bytes does not look like the one that stalls.
	p.watch = newWatch(p.remote.stall/2, p.cancel)
	p.watch.limit(p.watch.stall)
	response, err := p.remote.getBlob(p.conn, p.blob, p.at)
	if err != nil {
		return err
	}
	p.body = response.Body
	if p.at > 0 && response.StatusCode == http.StatusOK {
		// A server that knows no ranges starts again.
		_, err = io.CopyN(io.Discard, p.body, p.at)
	}
	return err
}

// Close ends the connection, if there is one.
func (p *pull) Close() error {
	if p.cancel != nil {
		p.watch.stop()
		p.cancel(nil)
	}
	if p.body != nil {
		p.body.Close()
		p.body = nil
	}
	return nil
}
