package quaytest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/certificate"
)

// Start serves an empty Quay over TLS on a free port of 127.0.0.1 until the
// test ends, as Serve does.
func Start(t testing.TB) *Quay {
	t.Helper()
	q, stop, err := Serve(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return q
}

// Serve serves an empty Quay over TLS on a free port of 127.0.0.1 until stop is
// called; its files are in dir. HTTP/1.1 and HTTP/2 are both offered; the
// certificate is from an authority of its own, see CAFile.
func Serve(dir string) (q *Quay, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("listening for quay: %w", err)
	}
	defer func() {
		if err != nil {
			listener.Close()
		}
	}()
	made, err := certificate.New("127.0.0.1", "localhost")
	if err != nil {
		return nil, nil, err
	}
	pair, err := tls.X509KeyPair(made.Certificate, made.Key)
	if err != nil {
		return nil, nil, err
	}
	caFile := filepath.Join(dir, "ca.crt")
	if err := os.WriteFile(caFile, made.CA, 0o644); err != nil {
		return nil, nil, fmt.Errorf("writing certificate authority: %w", err)
	}
	if q, err = New(Options{Host: listener.Addr().String(), StorageDir: dir}); err != nil {
		return nil, nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(made.CA)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	q.caFile, q.client = caFile, &http.Client{Transport: transport}

	server := q.Server()
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
	served := make(chan error, 1)
	go func() { served <- server.ServeTLS(listener, "", "") }()
	return q, func() error {
		transport.CloseIdleConnections()
		// Cut what is still connected, then let the handlers return.
		err := server.Close()
		<-served
		return errors.Join(err, q.Close())
	}, nil
}

// CAFile is the path of the PEM file with the authority of a started Quay.
func (q *Quay) CAFile() string { return q.caFile }

// Client returns a client that trusts a started Quay and has no credential.
func (q *Quay) Client() *http.Client { return q.client }

type connKey struct{}

// Server returns an HTTP server for q, ready for ServeTLS. It gives the faults
// access to the connection.
func (q *Quay) Server() *http.Server {
	return &http.Server{
		Handler:           q,
		ReadHeaderTimeout: 30 * time.Second,
		// What a client does to its connection is the client's to report.
		ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
}
