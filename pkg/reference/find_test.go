package reference_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

func TestDigests(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("0123456789abcdef", 4)
	for text, want := range map[string][]string{
		"":            nil,
		"sha256:" + a: {"sha256:" + a},
		"quay.test:8443/team-a/app:v1@sha256:" + a + "\n": {"sha256:" + a},
		"[sha256:" + a + ",sha256:" + b + "]":             {"sha256:" + a, "sha256:" + b},
		"sha256:" + a + " sha256:" + b + " sha256:" + a:   {"sha256:" + a, "sha256:" + b, "sha256:" + a},
		`{"digest":"sha256:` + a + `"}`:                   {"sha256:" + a},
		"docker-pullable://quay.test/a@sha256:" + a:       {"sha256:" + a},
		"sha256:" + a[1:]:                                 nil,
		"sha256:" + a + "0":                               {"sha256:" + a},
		"sha256:" + a + "F":                               {"sha256:" + a},
		"sha256:" + strings.ToUpper(a):                    nil,
		"xsha256:" + a:                                    {"sha256:" + a},
		"sha512:" + a + a:                                 nil,
		a:                                                 nil,
		"sha256:REPLACED_BY_CI":                           nil,
		"sha256:" + a + "sha256:" + b:                     {"sha256:" + a, "sha256:" + b},
		"image: \"sha256:" + a + "\"\nimage: 'sha256:" + b + "'": {"sha256:" + a, "sha256:" + b},
	} {
		if got := reference.Digests(text); !slices.Equal(got, want) {
			t.Errorf("Digests(%q) = %q, want %q", text, got, want)
		}
		if got := reference.Digests([]byte(text)); !slices.Equal(got, want) {
			t.Errorf("Digests of the bytes of %q = %q, want %q", text, got, want)
		}
	}
}
