package registry_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/push/registry"
)

// The anchor comes behind the tags that were given, once, and the target that it was made from stays as it is.
func TestAnchored(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	const anchor = "digest-0123456789abcdef0123456789abcdef"
	for _, test := range []struct{ given, want []string }{
		{nil, []string{anchor}},
		{[]string{"v1", "main"}, []string{"v1", "main", anchor}},
		{[]string{anchor, "v1"}, []string{anchor, "v1"}},
		{[]string{"digest-fedcba9876543210fedcba9876543210"}, []string{"digest-fedcba9876543210fedcba9876543210", anchor}},
	} {
		room := append(make([]string, 0, 9), test.given...)
		to := registry.Target{Host: "q.io", Repository: "a/b", Tags: room}
		if diff := cmp.Diff(test.want, to.Anchored(digest).Tags); diff != "" {
			t.Errorf("Anchored of %q (-want +got):\n%s", test.given, diff)
		}
		if spare := room[:len(test.given)+1][len(test.given)]; spare != "" || len(to.Tags) != len(test.given) {
			t.Errorf("Anchored wrote %q into the target that it was given, which has %q", spare, to.Tags)
		}
	}
}
