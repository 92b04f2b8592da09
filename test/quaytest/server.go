package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cafile"
)

// drainTime is how long requests in progress may take when the server stops.
const drainTime = 10 * time.Second

// server is what the flags say.
type server struct {
	listen, host, certFile, keyFile, stateFile, storageDir, issuerCAFile, vulnerable string
}

// run serves until ctx is done and writes one line to log when it is ready. The
// error says why the state, the storage, the address or the key cannot be used.
func (s server) run(ctx context.Context, log io.Writer) (err error) {
	q, err := quaytest.New(quaytest.Options{Host: s.host, StorageDir: s.storageDir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	if s.issuerCAFile != "" {
		authorities, err := cafile.Pool(s.issuerCAFile)
		if err != nil {
			return fmt.Errorf("reading authorities of issuers: %w", err)
		}
		q.TrustIssuers(authorities)
	}
	if s.vulnerable != "" {
		q.SetScanner(&quaytest.Scanner{Verdict: s.verdict})
	}
	if s.stateFile != "" {
		state, err := readState(s.stateFile)
		if err != nil {
			return err
		}
		if err := q.Apply(state); err != nil {
			return fmt.Errorf("applying state %q: %w", s.stateFile, err)
		}
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listening on %q: %w", s.listen, err)
	}
	fmt.Fprintf(log, "quaytest: serving %s on %s\n", q.URL(), listener.Addr())
	httpServer := q.Server()
	served := make(chan error, 1)
	go func() { served <- httpServer.ServeTLS(listener, s.certFile, s.keyFile) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving with certificate %q: %w", s.certFile, err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := httpServer.Shutdown(drain); err != nil {
		// What has not finished by now is cut off, so that Close can return.
		err = errors.Join(err, httpServer.Close())
		return fmt.Errorf("stopping server: %w", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

// verdict is that of the scanner on an image of a repository.
func (s server) verdict(repository, _ string) quaytest.Verdict {
	if repository != s.vulnerable {
		return quaytest.Verdict{}
	}
	return quaytest.Verdict{Packages: []quaytest.Package{{Name: "openssl", Version: "1.1.1k-7",
		Vulnerabilities: []quaytest.Vulnerability{{Name: "CVE-2023-0286", Severity: "Critical", FixedBy: "1.1.1k-9"}}}}}
}
