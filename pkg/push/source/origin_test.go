package source

import (
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

func TestParseOrigin(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	for text, want := range map[string][3]string{
		"quay.io/a/b":                    {"quay.io", "a/b", "latest"},
		"quay.io:8443/a/b/c:v1":          {"quay.io:8443", "a/b/c", "v1"},
		"quay.io/a@" + digest:            {"quay.io", "a", digest},
		"localhost/a:V1.2_3-x":           {"localhost", "a", "V1.2_3-x"},
		"[::1]:5000/a":                   {"[::1]:5000", "a", "latest"},
		"127.0.0.1:5000/a/b@" + digest:   {"127.0.0.1:5000", "a/b", digest},
		"registry-1.docker.io/library/x": {"registry-1.docker.io", "library/x", "latest"},
	} {
		got, err := parseOrigin(text)
		if err != nil || got.Host != want[0] || got.Repository != want[1] || got.reference != want[2] {
			t.Errorf("parseOrigin(%q) = %+v, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "quay.io", "quay.io/", "/a/b", "quay/a", "quay.io/A", "quay.io/a/../b", "quay.io/a:", "quay.io/a@", "quay.io/a:v1@" + digest,
		"quay.io/a@" + digest[:20], "quay.io/a@sha512:" + strings.Repeat("a", 128), "quay.io/a:-x", "quay.io/a?x", "quay.io/a#x", "quay.io/a b",
		"user:secret@quay.io/a", "https://quay.io/a", "quay.io//a", "quay.io/" + strings.Repeat("a", 256), "quay.io/a/b:x/c",
	} {
		got, err := parseOrigin(text)
		if err == nil || failure.ExitCode(err) != failure.ClassUsage.Exit {
			t.Errorf("parseOrigin(%q) = %+v, %v, want a usage error", text, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("parseOrigin(%q) says the password: %v", text, err)
		}
	}
}
