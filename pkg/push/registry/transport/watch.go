package transport

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// Watch ends a request that stands still. While a body is sent, every read of it is a sign of life: net/http reads on
// when the connection took what it had.
type Watch struct {
	Stall  time.Duration
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	timer  *time.Timer
	failed error
}

// NewWatch returns a watch that calls cancel with ErrStalled; it does not run before limit or a read.
func NewWatch(stall time.Duration, cancel context.CancelCauseFunc) *Watch {
	return &Watch{Stall: stall, cancel: cancel}
}

// Limit gives the request d from now until the next sign of life.
func (w *Watch) Limit(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer == nil {
		w.timer = time.AfterFunc(d, func() { w.cancel(failure.ErrStalled) })
		return
	}
	w.timer.Reset(d)
}

// Stop ends the watch.
func (w *Watch) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
}

// Failure is the error of reading the body, if there was one. net/http has several ways to wrap it.
func (w *Watch) Failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// Reader watches over a body.
func (w *Watch) Reader(content io.ReadCloser) io.ReadCloser {
	return &watchedBody{ReadCloser: content, watch: w}
}

type watchedBody struct {
	io.ReadCloser
	watch  *Watch
	closed bool // under the watch's lock
}

// Close ends the body. net/http calls it while it reads when the answer comes before the body's end.
func (b *watchedBody) Close() error {
	b.watch.mu.Lock()
	b.closed = true
	b.watch.mu.Unlock()
	return b.ReadCloser.Close()
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.watch.Limit(b.watch.Stall)
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF:
		b.watch.Limit(commitTimeout)
	case err != nil:
		b.watch.mu.Lock()
		if !b.closed {
			b.watch.failed = err
		}
		b.watch.mu.Unlock()
	}
	return n, err
}
