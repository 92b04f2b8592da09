package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// drainTime is how long requests in progress may take when the server stops.
const drainTime = 10 * time.Second

// server is what the flags say.
type server struct {
	listen, certFile, keyFile, credentialDir, storageDir, gitDir string
}

// run serves until ctx is done and writes one line to log when it is ready; git writes its errors there too. The error says
// why the credential, the address or the key cannot be used.
func (s server) run(ctx context.Context, log io.Writer) error {
	repositories, err := s.repositories(log)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listening on %q: %w", s.listen, err)
	}
	fmt.Fprintf(log, "gitserver: serving on %s\n", listener.Addr())
	httpServer := &http.Server{Handler: repositories, ReadHeaderTimeout: drainTime}
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
		return fmt.Errorf("stopping server: %w", errors.Join(err, httpServer.Close()))
	}
	return nil
}
