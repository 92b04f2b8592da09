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
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core, ListenerConfig: &configutil.Listener{}})
	httpServer := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 2)
	defer httpServer.Close()
	serve := func(listen string) (address string, err error) {
		listener, err := net.Listen("tcp", listen)
		if err != nil {
			return "", fmt.Errorf("listening on %q: %w", listen, err)
		}
		go func() { served <- httpServer.Serve(listener) }()
		return "http://" + listener.Addr().String(), nil
	}

	// Nobody else gets an answer before everything is there.
	inside, err := serve("127.0.0.1:0")
	if err != nil {
		return err
	}
	client, err := connect(inside, token)
	if err != nil {
		return err
	}
	if err := prepare(ctx, client); err != nil {
		return err
	}
	if err := s.shareToken(ctx, client); err != nil {
		return err
	}
	address, err := serve(s.listen)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, address)
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	err = httpServer.Close()
	for range cap(served) {
		if stopped := <-served; !errors.Is(stopped, http.ErrServerClosed) {
			err = errors.Join(err, stopped)
		}
	}
	return err
}

// connect returns a client of this server's that has the token.
func connect(address, token string) (*api.Client, error) {
	config := api.DefaultConfig()
	config.Address = address
	client, err := api.NewClient(config)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	client.SetToken(token)
	client.ClearNamespace()
	return client, nil
}

// shareToken gives root's rights to the token in the file, or writes the root token there if there is none. It goes where only the
// caller can read it, never to out.
func (s server) shareToken(ctx context.Context, client *api.Client) error {
	given, err := os.ReadFile(s.tokenFile)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(s.tokenFile, []byte(client.Token()), 0o600); err != nil {
			return fmt.Errorf("writing root token: %w", err)
		}
		return nil
	} else if err != nil {
		return fmt.Errorf("reading root token: %w", err)
	}
	_, err = client.Auth().Token().CreateWithContext(ctx, &api.TokenCreateRequest{ID: string(given), Policies: []string{"root"}, NoParent: true})
	if err != nil {
		return fmt.Errorf("making the token in %q root's: %w", s.tokenFile, err)
	}
	return nil
}

// prepare mounts what a cluster's Vault has.
func prepare(ctx context.Context, client *api.Client) error {
	if err := client.Sys().MountWithContext(ctx, "secret", &api.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}); err != nil {
		return fmt.Errorf("mounting KV v2: %w", err)
	}
	if err := client.Sys().EnableAuthWithOptionsWithContext(ctx, "kubernetes", &api.EnableAuthOptions{Type: "kubernetes"}); err != nil {
		return fmt.Errorf("enabling the login: %w", err)
	}
	return nil
}
