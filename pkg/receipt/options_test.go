package receipt

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
)

// list is a registry whose list of referrers has so many bytes; read is how many of them were taken.
type list struct{ size, read int }

func (l *list) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := &http.Response{StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"application/vnd.oci.image.index.v1+json"}}, Body: http.NoBody}
	if strings.Contains(r.URL.Path, "/referrers/") {
		const start, end = `{"schemaVersion":2,"manifests":[],"annotations":{"a":"`, `"}}`
		content := io.MultiReader(strings.NewReader(start), bytes.NewReader(bytes.Repeat([]byte("x"), l.size-len(start+end))), strings.NewReader(end))
		answer.Body = io.NopCloser(io.TeeReader(content, l))
	}
	return answer, nil
}

func (l *list) Write(p []byte) (int, error) { l.read += len(p); return len(p), nil }

// Whoever may push leaves as many referrers as they like: the controller, which works for all tenants, reads no more of them than it has
// room for, and takes what it did not read for no proof.
func TestListIsBounded(t *testing.T) {
	want := Expectation{Repository: "quay.test/team-payments/checkout", Digest: "sha256:" + strings.Repeat("a", 64)}
	for _, test := range []struct {
		size    int
		options func(http.RoundTripper, string, dockerconfig.Credential) []remote.Option
		limit   int
		err     string
	}{{maxAnswer, Options, maxAnswer, "has no receipt"}, {maxAnswer + 1, Options, maxAnswer, "more than 4 MiB"}, {90 << 20, Options, maxAnswer, "more than 4 MiB"},
		{maxAnswer + 1, LargeOptions, maxLargeAnswer, "has no receipt"}, {90 << 20, LargeOptions, maxLargeAnswer, "more than 64 MiB"}} {
		l := &list{size: test.size}
		store := Store{Repository: want.Repository, Options: test.options(l, "quay.test", dockerconfig.Credential{})}
		_, _, err := store.Find(t.Context(), nil, want)
		if err == nil || !strings.Contains(err.Error(), test.err) || errors.As(err, new(*Invalid)) != (test.size <= test.limit) {
			t.Errorf("of %d bytes: %v", test.size, err)
		}
		if l.read > test.limit+1<<20 {
			t.Errorf("%d of %d bytes were read", l.read, test.size)
		}
	}
}

// counting is a transport that answers everybody, and counts.
type counting struct{ asked int }

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.asked++
	return &http.Response{StatusCode: http.StatusOK, Request: r, Body: http.NoBody}, nil
}

// The credential goes to the registry's own host, and over TLS, wherever the registry sends its clients.
func TestOneHost(t *testing.T) {
	for url, want := range map[string]int{"https://quay.test/v2/": 1, "http://quay.test/v2/": 0, "https://thief.test/v2/auth": 0, "https://quay.test:8443/v2/": 0, "https://quay.test.thief.test/": 0} {
		next := &counting{}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := oneHost{"quay.test", next, maxAnswer}.RoundTrip(r)
		if err == nil {
			answer.Body.Close()
		}
		if next.asked != want || (err == nil) != (want == 1) {
			t.Errorf("%s was asked %d times: %v", url, next.asked, err)
		}
	}
}
