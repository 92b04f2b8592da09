package quaytest

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// requestBody is the body of a request; it counts what the registry reads.
type requestBody struct {
	io.ReadCloser
	n    *atomic.Int64
	done bool
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	b.done = b.done || err != nil
	return n, err
}

// lingerTime is how long nginx reads on after an early answer, its default
// lingering_time.
const lingerTime = 30 * time.Second

// linger sends the answer off and reads the rest of an HTTP/1.1 body, so that
// a client which is still sending gets the answer and not a reset.
func (b *requestBody) linger(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 1 || r.ContentLength == 0 || b.done {
		return
	}
	server := http.NewResponseController(w)
	if server.Flush() != nil || server.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	// The client ends this by stopping, one way or another.
	_, _ = io.Copy(io.Discard, b.ReadCloser)
	_ = server.SetReadDeadline(time.Time{})
}
