// Package oidctest is an issuer of OpenID Connect tokens over TLS, as a CI system or a cluster is one, for tests of who takes them.
package oidctest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/comptech-lab/quay-push/internal/certificate"
	"github.com/go-jose/go-jose/v4"
)

// The paths of the issuer's two documents.
const (
	DiscoveryPath = "/.well-known/openid-configuration"
	KeysPath      = "/keys"
)

// Issuer is one issuer. It is safe for concurrent use.
type Issuer struct {
	server      *httptest.Server
	authorities *x509.CertPool
	ca          []byte

	mu       sync.Mutex
	instead  map[string]http.HandlerFunc
	requests []string
}

// Start serves an issuer on a free port of 127.0.0.1 until the test ends, with a certificate of an authority of its own.
func Start(t testing.TB) *Issuer {
	t.Helper()
	made, err := certificate.New("127.0.0.1", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(made.Certificate, made.Key)
	if err != nil {
		t.Fatal(err)
	}
	i := &Issuer{authorities: x509.NewCertPool(), ca: made.CA, instead: map[string]http.HandlerFunc{}}
	i.authorities.AppendCertsFromPEM(made.CA)
	i.server = httptest.NewUnstartedServer(i)
	i.server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	// Who does not trust it is what some tests are about.
	i.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	i.server.StartTLS()
	t.Cleanup(i.server.Close)
	return i
}

// URL is the issuer's name, without a slash at the end.
func (i *Issuer) URL() string { return i.server.URL }

// Authorities are what its certificate is from.
func (i *Issuer) Authorities() *x509.CertPool { return i.authorities }

// CA is the authority as PEM.
func (i *Issuer) CA() []byte { return i.ca }

// Stop ends the issuer: nobody gets a document any more, and the tokens stay as they are.
func (i *Issuer) Stop() { i.server.Close() }

// Answer has handler answer for path in place of the issuer; nil ends that.
func (i *Issuer) Answer(path string, handler http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.instead[path] = handler
}

// Requests are the paths that were asked for, in their order.
func (i *Issuer) Requests() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string{}, i.requests...)
}

// ServeHTTP answers with the two documents.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.requests = append(i.requests, r.URL.Path)
	instead := i.instead[r.URL.Path]
	i.mu.Unlock()
	switch {
	case instead != nil:
		instead(w, r)
	case r.URL.Path == DiscoveryPath:
		write(w, map[string]any{"issuer": i.URL(), "jwks_uri": i.URL() + KeysPath, "response_types_supported": []string{"id_token"},
			"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"}})
	case r.URL.Path == KeysPath:
		write(w, published())
	default:
		http.NotFound(w, r)
	}
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	// The client may be gone, and nothing is left to tell it.
	_ = json.NewEncoder(w).Encode(v)
}

// published are the public keys that the issuer names.
func published() jose.JSONWebKeySet {
	k := keys()
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: &k.elliptic.PublicKey, KeyID: ellipticID, Algorithm: "ES256", Use: "sig"},
		{Key: &k.rsa.PublicKey, KeyID: rsaID, Algorithm: "RS256", Use: "sig"},
	}}
}
