package failure_test

import (
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

func TestSameHost(t *testing.T) {
	for _, test := range []struct {
		scheme, a, b string
		want         bool
	}{
		{"https", "q.io", "Q.IO", true}, {"https", "q.io:443", "q.io", true}, {"http", "q.io", "q.io:80", true},
		{"https", "q.io:80", "q.io", false}, {"https", "q.io", "q.io.evil", false}, {"https", "q.io:8443", "q.io", false},
	} {
		if got := failure.SameHost(test.scheme, test.a, test.b); got != test.want {
			t.Errorf("SameHost(%q, %q, %q) = %v", test.scheme, test.a, test.b, got)
		}
	}
}
