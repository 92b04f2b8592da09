// Package transport carries a push's requests: which connection each takes, what is dialed ahead, and what ends one that stands still.
package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/comptech-lab/quay-push/pkg/cafile"
	"github.com/comptech-lab/quay-push/pkg/proxy"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// LargeBody is the body size in bytes above which a request goes over HTTP/1.1. nginx with request buffering off, as
// Quay's is, takes one window of 64 KiB per round trip from an HTTP/2 stream (nginx ngx_http_v2.c,
// google/go-containerregistry#1193); HTTP/1.1 has no such limit, but costs a new connection per blob.
const LargeBody = 48 << 10

// How long a server may take. There is none for sending a body, see Watch.
const (
	dialTimeout    = 15 * time.Second
	AnswerTimeout  = time.Minute
	commitTimeout  = 30 * time.Minute // Quay copies the blob within its object store before it answers.
	maxIdlePerHost = 16
)

// Transport sends large bodies over HTTP/1.1 and everything else over HTTP/2 where the server has it.
type Transport struct {
	large, small *http.Transport
	spares       *spares
}

// RoundTrip makes one request.
func (h *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.ContentLength > LargeBody {
		return h.large.RoundTrip(r)
	}
	return h.small.RoundTrip(r)
}

// DialAhead starts to dial the connection of a large body to a host of HTTPS, and returns what to call when the body follows, or
// does not.
func (h *Transport) DialAhead(ctx context.Context, host string) (release func()) {
	return h.spares.want(ctx, dialAddr(host))
}

// CloseIdleConnections is what http.Client calls.
func (h *Transport) CloseIdleConnections() {
	h.large.CloseIdleConnections()
	h.small.CloseIdleConnections()
	h.spares.close()
}

// New returns the transport of one push. CAFile may be empty; else its certificates are trusted beside the
// system's, which SSL_CERT_FILE and SSL_CERT_DIR name.
func New(caFile string) (*Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	if caFile != "" {
		roots, err := cafile.Pool(caFile)
		if empty := (*cafile.Empty)(nil); errors.As(err, &empty) {
			return nil, failure.Usage("--ca-file %v", err).Then("give the authorities as -----BEGIN CERTIFICATE-----; openssl x509 -inform der makes that of DER")
		} else if err != nil {
			return nil, unreadableCA(err)
		}
		config.RootCAs = roots
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	base := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: proxy.Connected,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    dialTimeout,
		TLSClientConfig:        config,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        time.Minute,
		ResponseHeaderTimeout:  commitTimeout,
		WriteBufferSize:        64 << 10,
		// A source may be anybody's registry.
		MaxResponseHeaderBytes: 256 << 10,
		// A blob is compressed already, and a digest is of the bytes as they are.
		DisableCompression: true,
	}
	small := base.Clone()
	small.ForceAttemptHTTP2 = true
	large := base
	large.Protocols = new(http.Protocols)
	large.Protocols.SetHTTP1(true)
	spares := &spares{dial: dialTLS(dialer, config)}
	large.DialTLSContext = spares.get
	return &Transport{large: large, small: small, spares: spares}, nil
}

// unreadableCA is the error for a --ca-file that err keeps from being read.
func unreadableCA(err error) *failure.Error {
	e := failure.Usage("--ca-file cannot be read")
	e.Err = err
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return e.Then("mount the file with the authorities, or leave --ca-file out")
	case errors.Is(err, fs.ErrPermission):
		e.Problem = fmt.Sprintf("user %d has no permission to read --ca-file", os.Getuid())
		return e.Then(fmt.Sprintf("make the file readable for user %d, as which push-image runs, such as by the volume's defaultMode or an fsGroup", os.Getuid()))
	}
	return e.Then("name a file with the authorities, not a directory; or look at the volume that it is on")
}

// dialTLS returns what connects to a server for HTTP/1.1 over TLS.
func dialTLS(dialer *net.Dialer, config *tls.Config) func(ctx context.Context, network, addr string) (net.Conn, error) {
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	// Else the first 128 KiB of every connection, and here that is of every blob, go in records of a packet each.
	config.DynamicRecordSizingDisabled = true
	return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext
}

// NewClient returns a client that follows no redirect.
func NewClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(next *http.Request, _ []*http.Request) error { return &failure.Redirect{To: next.URL} },
	}
}
