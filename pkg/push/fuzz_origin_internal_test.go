package push

import (
	"net/url"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/hostile"
)

// FuzzOrigin parses anything as the address of a source. What is taken leads to the host and repository that it shows, in every
// URL that is made of it.
func FuzzOrigin(f *testing.F) {
	for _, text := range []string{"quay.io/a/b:v1", "quay.io:443/a/b", "localhost/a@sha256:" + strings.Repeat("0", 64), "[::1]:5000/a", "quay.io/a/../b", "a@quay.io/b", "quay.io/%2e%2e/a", "[1]:0/a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		check := func(to target, reference string) {
			r, err := newRegistry(config{host: to.host, repository: to.repository})
			if err != nil {
				t.Fatal(err)
			}
			made := r.url("manifests/"+reference, nil)
			again, err := url.Parse(made.String())
			if err != nil || again.Host != to.host || again.Path != "/v2/"+to.repository+"/manifests/"+reference || again.User != nil || again.RawQuery != "" || again.Fragment != "" {
				t.Errorf("%q leads to %q (%v)", text, made.String(), err)
			}
			if strings.Contains(to.repository, "..") || !strings.HasPrefix(text, to.name()) {
				t.Errorf("%q is %+v", text, to)
			}
		}
		if from, err := parseOrigin(text); err == nil {
			check(from.target, from.reference)
		} else {
			hostile.Classed(t, err)
		}
	})
}
