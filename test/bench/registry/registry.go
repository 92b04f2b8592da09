// Package registry runs the registry that all clients push to: distribution behind nginx set as Quay's, with a token service
// like Quay's, and a delay in front. Everything listens on 127.0.0.1 or on a socket in a directory of its own.
package registry

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	// They register themselves under the names "filesystem" and "token".
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"

	"github.com/comptech-lab/quay-push/test/bench/delay"
)

// Registry is a running registry.
type Registry struct {
	// Host is the host and port that clients connect to.
	Host string
	// CAFile is the PEM certificate of the authority that signed the registry's.
	CAFile string

	dir     string
	storage string
	app     *handlers.App
	server  *http.Server
	front   *front
	relay   *delay.Relay
	done    chan error
}

// Options are what makes the registry slower.
type Options struct {
	// RTT is how much longer each round trip takes.
	RTT time.Duration
	// Unpacks has it take as long for blobs as Quay does, which unpacks those in gzip.
	Unpacks bool
}

// Start runs a registry that keeps blobs in a new directory below storage: that of a RAM disk takes the disk out of the measurement.
// Close ends it.
func Start(ctx context.Context, storage string, o Options) (*Registry, error) {
	r := &Registry{done: make(chan error, 1)}
	if err := r.start(ctx, storage, o); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Registry) start(ctx context.Context, storage string, o Options) (err error) {
	if r.dir, err = os.MkdirTemp("", "bench-registry-"); err != nil {
		return err
	}
	if r.storage, err = os.MkdirTemp(storage, "bench-storage-"); err != nil {
		return err
	}
	if r.CAFile, err = WriteCertificates(r.dir); err != nil {
		return fmt.Errorf("making certificates: %w", err)
	}
	listen, err := freeAddr()
	if err != nil {
		return err
	}
	r.Host = listen
	if o.RTT > 0 {
		if r.relay, err = delay.Start(listen, o.RTT); err != nil {
			return err
		}
		r.Host = r.relay.Addr()
	}
	if err = r.serve(o); err != nil {
		return fmt.Errorf("starting distribution: %w", err)
	}
	r.front, err = startFront(ctx, r.dir, listen)
	return err
}

// serve starts distribution and the token service on a socket.
func (r *Registry) serve(o Options) error {
	tokens, err := newTokens(r.dir, r.Host)
	if err != nil {
		return err
	}
	config := &configuration.Configuration{
		Storage: configuration.Storage{
			"filesystem":  {"rootdirectory": r.storage},
			"maintenance": {"uploadpurging": map[any]any{"enabled": false}},
		},
		Auth: configuration.Auth{"token": tokens.options()},
	}
	config.HTTP.Host = "https://" + r.Host
	config.HTTP.Secret = rand.Text()
	silence()
	r.app = handlers.NewApp(context.Background(), config)
	listener, err := net.Listen("unix", filepath.Join(r.dir, "registry.sock"))
	if err != nil {
		return err
	}
	// nginx's workers may run as another user.
	if err := errors.Join(os.Chmod(r.dir, 0o755), os.Chmod(listener.Addr().String(), 0o666)); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/v2/auth", tokens)
	if o.Unpacks {
		mux.Handle("/", newUnpacking(r.app))
	} else {
		mux.Handle("/", r.app)
	}
	// A client that hangs up is its own affair.
	r.server = &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { r.done <- r.server.Serve(listener) }()
	return nil
}

// Empty drops every repository.
func (r *Registry) Empty() error {
	return os.RemoveAll(filepath.Join(r.storage, "docker"))
}

// Close ends the registry and removes what it stored.
func (r *Registry) Close() error {
	var errs []error
	if r.relay != nil {
		errs = append(errs, r.relay.Close())
	}
	if r.front != nil {
		errs = append(errs, r.front.close())
	}
	if r.server != nil {
		errs = append(errs, r.server.Close())
		if err := <-r.done; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
	}
	if r.app != nil {
		errs = append(errs, r.app.Shutdown())
	}
	for _, dir := range []string{r.dir, r.storage} {
		if dir != "" {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}

// freeAddr is a port of 127.0.0.1 that nobody listens on; nginx cannot be handed a listener.
func freeAddr() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
