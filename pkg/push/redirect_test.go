package push_test

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// elsewhere is another host that is trusted, and what it was sent.
type elsewhere struct {
	*httptest.Server
	mu   sync.Mutex
	sent []string
}

// newElsewhere makes one. Its certificate is among the authorities of f.
func newElsewhere(t *testing.T, f *fixture) *elsewhere {
	t.Helper()
	e := &elsewhere{}
	e.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.sent = append(e.sent, r.Method+" "+r.Header.Get("Authorization"))
		fmt.Fprint(w, `{"token":"x"}`)
	}))
	t.Cleanup(e.Close)
	file := filepath.Join(t.TempDir(), "elsewhere.crt")
	write(t, file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.Certificate().Raw}))
	f.trust(file)
	return e
}

// No request with a credential follows a redirect, whichever it is; a push sends none elsewhere at all.
func TestNoRedirectIsFollowed(t *testing.T) {
	for _, request := range []struct{ name, method, path string }{
		{"the first request", "GET", "^/v2/$"},
		{"a token", "GET", "^/v2/auth$"},
		{"the look for a manifest", "GET", "/manifests/"},
		{"the start of an upload", "POST", "/uploads/"},
		{"a blob", "PUT", "/uploads/"},
		{"a manifest", "PUT", "/manifests/"},
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprintf("%s %d", request.name, status), func(t *testing.T) {
				f := newFixture(t)
				writeLayout(t, f.layout, large)
				e := newElsewhere(t, f)
				f.Faults.Add(quaytest.Fault{Name: "redirect", Method: request.method, Path: request.path, Times: -1,
					Effect: quaytest.Status(status, http.Header{"Location": {e.URL + "/v2/auth"}}, "")})
				f.fail(failure.ClassForeignHost)
				if len(e.sent) > 0 {
					t.Errorf("the other host got %q", e.sent)
				}
			})
		}
	}
}

// A source's registry gets its credential alone: what it redirects to gets none.
func TestNoRedirectOfASourceIsFollowed(t *testing.T) {
	for _, path := range []string{"^/v2/$", "^/v2/auth$", "/manifests/"} {
		for _, status := range []int{301, 307} {
			t.Run(fmt.Sprintf("%s %d", path, status), func(t *testing.T) {
				f := newFixture(t)
				u := newUpstream(t, f)
				e := newElsewhere(t, f)
				u.Faults.Add(quaytest.Fault{Name: "redirect", Path: path, Times: -1,
					Effect: quaytest.Status(status, http.Header{"Location": {e.URL + "/v2/auth"}}, "")})
				f.fail(failure.ClassForeignHost)
				if len(e.sent) > 0 {
					t.Errorf("the other host got %q", e.sent)
				}
			})
		}
	}
}
