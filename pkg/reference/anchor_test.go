package reference_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

func TestAnchor(t *testing.T) {
	got := reference.Anchor("sha256:" + strings.Repeat("0123456789abcdef", 4))
	if got != "digest-0123456789abcdef0123456789abcdef" || !reference.IsTag(got) {
		t.Errorf("Anchor = %q", got)
	}
	whole := regexp.MustCompile("^(?:" + reference.AnchorPattern + ")$")
	for _, other := range []string{got + "0", got[:len(got)-1], "x" + got, strings.ToUpper(got), "digest-" + strings.Repeat("g", 32), "v1"} {
		if !whole.MatchString(got) || whole.MatchString(other) {
			t.Errorf("the pattern matches %q: %t, and the anchor: %t", other, whole.MatchString(other), whole.MatchString(got))
		}
	}
}
