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
