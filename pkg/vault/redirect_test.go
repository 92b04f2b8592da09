package vault_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// hop is a Vault over TLS that answers every request with the given status and location, and another host.
type hop struct {
	vault, other *httptest.Server
	caFile       string
	mu           sync.Mutex
	asked        int
	// carried are the secrets that the other host got.
	carried []string
}

func newHop(t *testing.T, status int, location func(h *hop, r *http.Request) string) *hop {
	t.Helper()
	h := &hop{}
	h.other = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, 1000)
		n, _ := r.Body.Read(body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.carried = append(h.carried, r.Method+" "+r.Header.Get("X-Vault-Token")+" "+string(body[:n]))
		fmt.Fprint(w, current[4:])
	}))
	h.vault = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.asked++
		if to := location(h, r); to != "" {
			w.Header().Set("Location", to)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(h.vault.Close)
	t.Cleanup(h.other.Close)
	h.caFile = filepath.Join(t.TempDir(), "ca.pem")
	var both []byte
	for _, s := range []*httptest.Server{h.vault, h.other} {
		both = append(both, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})...)
	}
	if err := os.WriteFile(h.caFile, both, 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *hop) client(t *testing.T) *vault.Client {
	t.Helper()
	c, err := vault.New(vault.Options{Address: h.vault.URL, CAFile: h.caFile, Token: secret.New(token), Mount: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// calls are all that a client can ask.
var calls = map[string]func(ctx context.Context, c *vault.Client) error{
	"SigningKey": func(ctx context.Context, c *vault.Client) error {
		_, _, err := c.SigningKey(ctx, "receipts")
		return err
	},
	"Sign": func(ctx context.Context, c *vault.Client) error {
		_, err := c.Sign(ctx, "receipts", 1, []byte("statement"))
		return err
	},
	"Read": func(ctx context.Context, c *vault.Client) error { _, err := c.Read(ctx, path); return err },
	"ReadVersion": func(ctx context.Context, c *vault.Client) error {
		_, err := c.ReadVersion(ctx, path, 2)
		return err
	},
	"Write": func(ctx context.Context, c *vault.Client) error {
		_, err := c.Write(ctx, path, vault.Data{"token": secret.New(robotToken)}, 1)
		return err
	},
	"Mount":    func(ctx context.Context, c *vault.Client) error { _, err := c.Mount(ctx); return err },
	"Metadata": func(ctx context.Context, c *vault.Client) error { _, err := c.Metadata(ctx, path); return err },
	"Destroy":  func(ctx context.Context, c *vault.Client) error { return c.Destroy(ctx, path, []int{1}) },
	"Delete":   func(ctx context.Context, c *vault.Client) error { return c.Delete(ctx, path) },
	"Capabilities": func(ctx context.Context, c *vault.Client) error {
		_, err := c.Capabilities(ctx, "data", path)
		return err
	},
	"LoginKubernetes": func(ctx context.Context, c *vault.Client) error {
		return c.LoginKubernetes(ctx, "kubernetes", "quay-push", jwt)
	},
}

// No token, secret or ServiceAccount's token follows a redirect, and none is taken for success: what was not deleted is not.
func TestNoRedirectIsFollowed(t *testing.T) {
	there := map[string]func(h *hop, r *http.Request) string{
		"another host": func(h *hop, r *http.Request) string { return h.other.URL + r.URL.Path + "?signature=1" },
		"itself":       func(h *hop, r *http.Request) string { return r.URL.Path },
		"plain HTTP": func(h *hop, r *http.Request) string {
			return strings.Replace(h.other.URL, "https:", "http:", 1) + r.URL.Path
		},
		"nowhere": func(*hop, *http.Request) string { return "" },
	}
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
		for to, location := range there {
			h := newHop(t, status, location)
			c := h.client(t)
			n := 0
			for name, call := range calls {
				err := call(t.Context(), c)
				if !errors.Is(err, vault.ErrRedirect) || errors.Is(err, vault.ErrUnreachable) || !strings.Contains(err.Error(), "set that to the active node, or to the load balancer") ||
					!strings.Contains(err.Error(), fmt.Sprint(status)) {
					t.Errorf("%s, %d to %s: error is %v", name, status, to, err)
					continue
				}
				for _, hidden := range []string{token, robotToken, "the.jwt", "signature"} {
					if strings.Contains(err.Error(), hidden) {
						t.Errorf("%s: the error holds %q: %v", name, hidden, err)
					}
				}
				if n++; h.asked != n {
					t.Errorf("%s, %d to %s: Vault was asked %d times in all, want %d", name, status, to, h.asked, n)
				}
			}
			if len(h.carried) > 0 {
				t.Errorf("%d to %s: the other host got %q", status, to, h.carried)
			}
		}
	}
}

// A redirect that comes after Vault was busy is not followed either.
func TestNoRedirectIsFollowedAfterARetry(t *testing.T) {
	busy := true
	h := newHop(t, http.StatusTemporaryRedirect, func(h *hop, r *http.Request) string { return h.other.URL + r.URL.Path })
	next := h.vault.Config.Handler
	h.vault.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if busy {
			busy = false
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
	if _, err := h.client(t).Read(t.Context(), path); !errors.Is(err, vault.ErrRedirect) || h.asked != 1 || len(h.carried) > 0 {
		t.Errorf("error is %v, asked %d times, the other host got %q", err, h.asked, h.carried)
	}
}

// No variable turns redirects on, or takes the token to another address than the one that is meant.
func TestEnvironmentTakesNoTokenElsewhere(t *testing.T) {
	h := newHop(t, http.StatusTemporaryRedirect, func(h *hop, r *http.Request) string { return h.other.URL + r.URL.Path })
	t.Setenv("VAULT_DISABLE_REDIRECTS", "false")
	t.Setenv("VAULT_MAX_RETRIES", "5")
	if _, err := h.client(t).Read(t.Context(), path); !errors.Is(err, vault.ErrRedirect) || h.asked != 1 || len(h.carried) > 0 {
		t.Errorf("error is %v, asked %d times, the other host got %q", err, h.asked, h.carried)
	}
	for name, value := range map[string]string{"VAULT_AGENT_ADDR": h.other.URL, "VAULT_SKIP_VERIFY": "true", "VAULT_SRV_LOOKUP": "1"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			_, err := vault.New(vault.Options{Address: h.vault.URL, CAFile: h.caFile, Token: secret.New(token), Mount: "secret"})
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "unset it") || strings.Contains(err.Error(), token) {
				t.Errorf("error is %v", err)
			}
		})
	}
	for _, name := range []string{"VAULT_SKIP_VERIFY", "VAULT_SRV_LOOKUP"} {
		t.Run(name+" off", func(t *testing.T) {
			t.Setenv(name, "false")
			h.client(t)
		})
	}
}

// Every method of a client that asks Vault is in calls.
func TestCallsAreAll(t *testing.T) {
	names := []string{}
	for name := range calls {
		names = append(names, name)
	}
	slices.Sort(names)
	if got := methods(&vault.Client{}); !slices.Equal(got, names) {
		t.Errorf("the methods are %q, tried are %q", got, names)
	}
}

// methods are the names of v's, in order.
func methods(v any) (names []string) {
	t := reflect.TypeOf(v)
	for i := range t.NumMethod() {
		names = append(names, t.Method(i).Name)
	}
	return names
}
