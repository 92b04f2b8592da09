package push_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// requestsOf pushes an image with n layers of size bytes and counts its requests by what they are about.
func requestsOf(t *testing.T, n, size int) map[string]int {
	t.Helper()
	f := newFixture(t)
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = size
	}
	writeLayout(t, f.layout, sizes...)
	f.push()
	counts := map[string]int{}
	for _, r := range f.Requests() {
		switch {
		case strings.Contains(r.Path, "/blobs/"):
			counts[r.Method+" blob"]++
		case strings.Contains(r.Path, "/manifests/"):
			counts[r.Method+" manifest"]++
		default:
			counts[r.Method+" "+r.Path]++
		}
	}
	return counts
}

// A blob that goes with the request that looks for it costs one, and fewer than one for each blob the protocol does not know; a larger
// one costs two. What a push costs besides does not grow with the number of blobs. The config is one of the small ones.
func TestRequestsOfBlobs(t *testing.T) {
	for _, test := range []struct {
		layers, size int
		posts, puts  int
	}{
		{1, 48 << 10, 2, 0}, {40, 1000, 41, 0}, {40, 48 << 10, 41, 0}, {40, 48<<10 + 1, 41, 40},
	} {
		want := map[string]int{"GET /v2/": 1, "GET /v2/auth": 1, "GET manifest": 6, "PUT manifest": 3, "POST blob": test.posts}
		if test.puts > 0 {
			want["PUT blob"] = test.puts
		}
		if diff := cmp.Diff(want, requestsOf(t, test.layers, test.size)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", fmt.Sprintf("%d layers of %d bytes", test.layers, test.size), diff)
		}
	}
}
