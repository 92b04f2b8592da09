package gitops

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// Sizes of the largest answers that are read, in bytes; a fetched pack has ScratchSize.
const (
	maxRefs   = 16 << 20
	maxAnswer = 1 << 20
)

// newClient returns go-git's client for the repository's origin, scheme://host[:port], which asks no other.
func newClient(origin string, authorities *x509.CertPool) (transport.Transport, *http.Transport) {
	connections := http.DefaultTransport.(*http.Transport).Clone()
	connections.TLSClientConfig = &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}
	return githttp.NewClient(&http.Client{Transport: guard{origin, connections}}), connections
}

// guard is an http.RoundTripper that keeps to one origin, also where a server redirects, and to answers of a known size.
type guard struct {
	origin string
	next   http.RoundTripper
}

func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if to := r.URL.Scheme + "://" + r.URL.Host; to != g.origin {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, &redirectError{g.origin, to}
	}
	response, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch {
	case response.StatusCode != http.StatusOK:
		// Only its beginning is ever shown.
		response.Body = body{io.LimitReader(response.Body, maxAnswer), response.Body}
	case r.Method == http.MethodGet:
		response.Body = body{&limited{response.Body, maxRefs, tooManyRefs}, response.Body}
	case strings.HasSuffix(r.URL.Path, "/"+transport.ReceivePackServiceName):
		response.Body = body{io.LimitReader(response.Body, maxAnswer), response.Body}
	}
	return response, nil
}

// redirectError says that a server sent the request to another origin.
type redirectError struct{ from, to string }

// Error names both.
func (e *redirectError) Error() string { return fmt.Sprintf("%s redirects to %s", e.from, e.to) }

// body is what Read reads, and closes the whole.
type body struct {
	io.Reader
	io.Closer
}

// limited reads at most left bytes; where there is more, the error is tooLarge.
type limited struct {
	io.Reader
	left     int64
	tooLarge error
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if int64(n) > l.left {
		return int(l.left), l.tooLarge
	}
	l.left -= int64(n)
	return n, err
}
