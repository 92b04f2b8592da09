package vault_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// door is a Vault whose tokens live for a second. It counts the logins, and lets in no token but those that still live.
type door struct {
	mu     sync.Mutex
	closed bool
	logins []string
	ends   map[string]time.Time
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch token := r.Header.Get("X-Vault-Token"); {
	case strings.HasSuffix(r.URL.Path, "/login") && d.closed:
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"errors":["permission denied"]}`)
	case strings.HasSuffix(r.URL.Path, "/login"):
		body, _ := io.ReadAll(r.Body)
		d.logins = append(d.logins, string(body))
		made := fmt.Sprintf("hvs.%d", len(d.logins))
		d.ends[made] = time.Now().Add(time.Second)
		fmt.Fprintf(w, `{"auth":{"client_token":%q,"lease_duration":1}}`, made)
	case time.Now().After(d.ends[token]):
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"errors":["permission denied"]}`)
	default:
		_, _ = io.WriteString(w, current[len("200 "):])
	}
}

func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
}

// enter returns the door, and a client that has logged in with a file that has another token each time.
func enter(t *testing.T) (*door, *vault.Client) {
	t.Helper()
	d := &door{ends: map[string]time.Time{}}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	c, err := vault.New(vault.Options{Address: server.URL, Mount: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	err = c.LoginKubernetes(t.Context(), "kubernetes", "quay-push-verify", func() (secret.Value, error) {
		read++
		return secret.New(fmt.Sprintf("jwt-%d", read)), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return d, c
}

// Work that takes longer than a Vault token lives goes on with the next one, for which the file is read again; and eight at once
// log in once.
func TestALoginIsDoneAgain(t *testing.T) {
	t.Parallel()
	d, c := enter(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for began := time.Now(); time.Since(began) < 2*time.Second; time.Sleep(50 * time.Millisecond) {
				if _, err := c.Read(t.Context(), path); err != nil {
					t.Errorf("after %s: %v", time.Since(began), err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := len(d.logins); n < 3 || n > 4 {
		t.Errorf("%d logins in two seconds, want one each two thirds of a second", n)
	}
	for i, login := range d.logins {
		if want := fmt.Sprintf(`{"jwt":"jwt-%d","role":"quay-push-verify"}`, i+1); strings.TrimSpace(login) != want {
			t.Errorf("login %d is %s, want %s", i+1, login, want)
		}
	}
}

// While the old token is good, a login that fails stops nothing; after that its own error is told, without a token.
func TestALoginThatFailsLater(t *testing.T) {
	t.Parallel()
	d, c := enter(t)
	d.close()
	time.Sleep(750 * time.Millisecond)
	if _, err := c.Read(t.Context(), path); err != nil {
		t.Errorf("with a token that is still good: %v", err)
	}
	time.Sleep(300 * time.Millisecond)
	_, err := c.Read(t.Context(), path)
	if !errors.Is(err, vault.ErrDenied) || !strings.Contains(err.Error(), "/v1/auth/kubernetes/login: permission denied") || strings.Contains(err.Error(), "jwt-") {
		t.Errorf("error is %v", err)
	}
}

// Without the file there is no login, and its error is told.
func TestALoginWithoutAToken(t *testing.T) {
	c, requests := serve(t)
	away := errors.New("no such file")
	if err := c.LoginKubernetes(t.Context(), "kubernetes", "x", func() (secret.Value, error) { return secret.Value{}, away }); !errors.Is(err, away) {
		t.Errorf("error is %v", err)
	}
	if len(*requests) > 0 {
		t.Errorf("it sent %q", *requests)
	}
}
