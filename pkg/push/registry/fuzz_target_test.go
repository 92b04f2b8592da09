package registry_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/hostile"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
)

// FuzzReference parses anything as an image reference. What is taken leads to the host and repository that it shows, in every
// URL that is made of it.
func FuzzReference(f *testing.F) {
	for _, text := range []string{"quay.io/a/b:v1", "quay.io:443/a/b", "localhost/a@sha256:" + strings.Repeat("0", 64), "[::1]:5000/a", "quay.io/a/../b", "a@quay.io/b", "quay.io/%2e%2e/a", "[1]:0/a"} {
		f.Add(text, "v1")
	}
	f.Fuzz(func(t *testing.T, text, tag string) {
		check := func(to registry.Target, reference string) {
			r, err := registry.New(registry.Config{Host: to.Host, Repository: to.Repository})
			if err != nil {
				t.Fatal(err)
			}
			made := r.URL("manifests/"+reference, nil)
			again, err := url.Parse(made.String())
			if err != nil || again.Host != to.Host || again.Path != "/v2/"+to.Repository+"/manifests/"+reference || again.User != nil || again.RawQuery != "" || again.Fragment != "" {
				t.Errorf("%q leads to %q (%v)", text, made.String(), err)
			}
			if strings.Contains(to.Repository, "..") || !strings.HasPrefix(text, to.Name()) {
				t.Errorf("%q is %+v", text, to)
			}
		}
		if to, err := registry.ParseTarget(text, []string{tag}); err == nil {
			for _, tag := range to.Tags {
				check(to, tag)
			}
		} else {
			hostile.Classed(t, err)
		}
	})
}
