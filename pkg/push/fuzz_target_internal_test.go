package push

import (
	"net/url"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/hostile"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// FuzzReference parses anything as an image reference. What is taken leads to the host and repository that it shows, in every
// URL that is made of it.
func FuzzReference(f *testing.F) {
	for _, text := range []string{"quay.io/a/b:v1", "quay.io:443/a/b", "localhost/a@sha256:" + strings.Repeat("0", 64), "[::1]:5000/a", "quay.io/a/../b", "a@quay.io/b", "quay.io/%2e%2e/a", "[1]:0/a"} {
		f.Add(text, "v1")
	}
	f.Fuzz(func(t *testing.T, text, tag string) {
		check := func(to target, reference string) {
			r := &registry{Peer: failure.Peer{Base: url.URL{Scheme: "https", Host: to.host}}, repository: to.repository}
			made := r.url("manifests/"+reference, nil)
			again, err := url.Parse(made.String())
			if err != nil || again.Host != to.host || again.Path != "/v2/"+to.repository+"/manifests/"+reference || again.User != nil || again.RawQuery != "" || again.Fragment != "" {
				t.Errorf("%q leads to %q (%v)", text, made.String(), err)
			}
			if strings.Contains(to.repository, "..") || !strings.HasPrefix(text, to.name()) {
				t.Errorf("%q is %+v", text, to)
			}
		}
		if to, err := parseTarget(text, []string{tag}); err == nil {
			for _, tag := range to.tags {
				check(to, tag)
			}
		} else {
			hostile.Classed(t, err)
		}
	})
}
