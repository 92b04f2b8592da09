package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/api"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/vault"
)

// server is what the flags say.
type server struct {
	listen, tokenFile string
}

// run serves until ctx is done. It writes one line to out when it is ready: the address.
func (s server) run(ctx context.Context, out io.Writer) error {
	core, token, err := newCore(ctx, hclog.NewNullLogger())
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listening on %q: %w", s.listen, err)
	}
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core, ListenerConfig: &configutil.Listener{}})
	httpServer := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- httpServer.Serve(listener) }()
	defer httpServer.Close()

	address := "http://" + listener.Addr().String()
	if err := prepare(ctx, address, token); err != nil {
		return err
	}
	// The token goes where only the caller can read it, never to out.
	if err := os.WriteFile(s.tokenFile, []byte(token), 0o600); err != nil {
		return fmt.Errorf("writing root token: %w", err)
	}
	fmt.Fprintln(out, address)
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	err = httpServer.Close()
	if stopped := <-served; !errors.Is(stopped, http.ErrServerClosed) {
		err = errors.Join(err, stopped)
	}
	return err
}

// prepare mounts what a cluster's Vault has.
func prepare(ctx context.Context, address, token string) error {
	config := api.DefaultConfig()
	config.Address = address
	client, err := api.NewClient(config)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	client.SetToken(token)
	client.ClearNamespace()
	if err := client.Sys().MountWithContext(ctx, "secret", &api.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}); err != nil {
		return fmt.Errorf("mounting KV v2: %w", err)
	}
	if err := client.Sys().EnableAuthWithOptionsWithContext(ctx, "kubernetes", &api.EnableAuthOptions{Type: "kubernetes"}); err != nil {
		return fmt.Errorf("enabling the login: %w", err)
	}
	return nil
}
