package registry

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
		check := func(to Target, reference string) {
			r := &Registry{Peer: failure.Peer{Base: url.URL{Scheme: "https", Host: to.Host}}, repository: to.Repository}
			made := r.URL("manifests/"+reference, nil)
			again, err := url.Parse(made.String())
			if err != nil || again.Host != to.Host || again.Path != "/v2/"+to.Repository+"/manifests/"+reference || again.User != nil || again.RawQuery != "" || again.Fragment != "" {
				t.Errorf("%q leads to %q (%v)", text, made.String(), err)
			}
			if strings.Contains(to.Repository, "..") || !strings.HasPrefix(text, to.Name()) {
				t.Errorf("%q is %+v", text, to)
			}
		}
		if to, err := ParseTarget(text, []string{tag}); err == nil {
			for _, tag := range to.Tags {
				check(to, tag)
			}
		} else {
			hostile.Classed(t, err)
		}
	})
}
