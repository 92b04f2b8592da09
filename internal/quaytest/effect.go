package quaytest

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"

	"golang.org/x/net/http2"
)

// Status answers with the given status, header and body and reads nothing of
// the request. An empty body becomes the error page of nginx.
func Status(status int, header http.Header, body string) Effect {
	return func(_ *Quay, w http.ResponseWriter, r *http.Request, _ http.Handler) {
		answer(w, status, header, body)
	}
}

// CommitThenStatus lets the registry do what was asked and hides its answer
// behind the given one, as a proxy does that gave up waiting.
func CommitThenStatus(status int, header http.Header, body string) Effect {
	return func(_ *Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), r)
		answer(w, status, header, body)
	}
}

// CommitThenReset lets the registry do what was asked and resets the
// connection instead of answering.
func CommitThenReset() Effect {
	return func(_ *Quay, _ http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), r)
		reset(r)
	}
}

// Reset resets the TCP connection after the given number of body bytes were
// read; fewer if the body is shorter. Every stream of an HTTP/2 connection dies.
func Reset(afterBytes int64) Effect {
	return func(_ *Quay, _ http.ResponseWriter, r *http.Request, _ http.Handler) {
		// The client may have gone first, which ends in the same place.
		_, _ = io.CopyN(io.Discard, r.Body, afterBytes)
		reset(r)
	}
}

// ResetStream breaks the request off without an answer: on HTTP/2 with a
// RST_STREAM for this stream alone, on HTTP/1.1 by closing the connection.
func ResetStream() Effect {
	return func(*Quay, http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }
}

// GoAway sends a GOAWAY that disowns every stream of an HTTP/2 connection and
// then resets this one, as nginx does on a restart. On HTTP/1.1 it closes the
// connection.
func GoAway() Effect {
	return func(_ *Quay, _ http.ResponseWriter, r *http.Request, _ http.Handler) {
		if conn, ok := r.Context().Value(connKey{}).(net.Conn); ok && r.ProtoMajor == 2 {
			// The server's answers to an upload fit into its write buffer, so
			// this frame cannot land inside another one.
			_ = http2.NewFramer(conn, nil).WriteGoAway(0, http2.ErrCodeNo, nil)
		}
		panic(http.ErrAbortHandler)
	}
}

// Stall accepts no byte of the body until release is closed, the client goes
// away or the Quay is closed. After release the registry answers as usual. A
// client on HTTP/1.1 that goes away is noticed only then, or at the end.
func Stall(release <-chan struct{}) Effect {
	return func(q *Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
		select {
		case <-release:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		case <-q.closed.Done():
			panic(http.ErrAbortHandler)
		}
	}
}

// Truncate answers as the registry does but breaks off after the given number of body bytes.
func Truncate(bytes int) Effect {
	return func(_ *Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
		real := httptest.NewRecorder()
		next.ServeHTTP(real, r)
		copyHeader(w.Header(), real.Header())
		w.Header().Set("Content-Length", strconv.Itoa(real.Body.Len()))
		w.WriteHeader(real.Code)
		// The rest is missing whether this arrives or not.
		_, _ = w.Write(real.Body.Bytes()[:min(bytes, real.Body.Len())])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// SetHeader answers as the registry does but for one header: a wrong
// Docker-Content-Digest, a Location or a WWW-Authenticate that leads
// elsewhere. An empty value removes it.
func SetHeader(name, value string) Effect {
	return func(_ *Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&headerWriter{ResponseWriter: w, name: name, value: value}, r)
	}
}

// ExpireToken makes the bearer token of the request expire before it is
// looked at. The token stays expired; the next one that is issued is good.
func ExpireToken() Effect {
	return func(q *Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
		q.mu.Lock()
		q.revoked[r.Header.Get("Authorization")] = true
		q.mu.Unlock()
		next.ServeHTTP(w, r)
	}
}

// Do calls f before the registry answers: to let time pass or to take a right
// away at an exact point of a push.
func Do(f func()) Effect {
	return func(_ *Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
		f()
		next.ServeHTTP(w, r)
	}
}

// answer sends a status with a body of its own.
func answer(w http.ResponseWriter, status int, header http.Header, body string) {
	copyHeader(w.Header(), header)
	if body == "" {
		writePage(w, status)
		return
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// reset closes the connection of r so that the peer gets a TCP reset.
func reset(r *http.Request) {
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		// Without a linger time the kernel throws away what is unsent and resets.
		_ = tcp.SetLinger(0)
		_ = tcp.Close()
	}
	panic(http.ErrAbortHandler)
}

// headerWriter replaces one header as the answer goes out.
type headerWriter struct {
	http.ResponseWriter
	name, value string
	done        bool
}

func (w *headerWriter) WriteHeader(status int) {
	w.replace()
	w.ResponseWriter.WriteHeader(status)
}

func (w *headerWriter) Write(p []byte) (int, error) {
	w.replace()
	return w.ResponseWriter.Write(p)
}

func (w *headerWriter) replace() {
	switch {
	case w.done:
	case w.value == "":
		w.Header().Del(w.name)
	default:
		w.Header().Set(w.name, w.value)
	}
	w.done = true
}

// copyHeader sets every header of from in to.
func copyHeader(to, from http.Header) {
	for name, values := range from {
		to[http.CanonicalHeaderKey(name)] = values
	}
}
