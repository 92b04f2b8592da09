package reference_test

import (
	"slices"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

func TestSources(t *testing.T) {
	for text, want := range map[string][]string{
		"":                              {""},
		"image":                         {"image"},
		"oci:image:quay.test:8443/a:v1": {"oci:image:quay.test:8443/a:v1"},
		"image-amd64,image-arm64":       {"image-amd64", "image-arm64"},
		" a ,\n b c\t":                  {"a", "b c"},
		"a,,b,":                         {"a", "", "b", ""},
	} {
		if got := reference.Sources(text); !slices.Equal(got, want) {
			t.Errorf("Sources(%q) = %q, want %q", text, got, want)
		}
	}
}
