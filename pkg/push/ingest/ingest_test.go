package ingest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/comptech-lab/quay-push/internal/hostile"
	"github.com/comptech-lab/quay-push/pkg/push/ingest"
)

// members are gzip members, each with the given number of random bytes.
func members(t *testing.T, sizes ...int) []byte {
	t.Helper()
	random, contents := rand.NewChaCha8([32]byte{29}), make([][]byte, len(sizes))
	for i, size := range sizes {
		contents[i] = make([]byte, size)
		random.Read(contents[i])
	}
	return hostile.Members(t, gzip.DefaultCompression, contents...)
}

// start is what is looked at.
func start(content []byte) []byte { return content[:min(len(content), ingest.Start)] }

func TestOf(t *testing.T) {
	one, two := members(t, 2<<20), members(t, 1000, 2<<20)
	zeros := func(size int) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write(make([]byte, size))
		w.Close()
		return b.Bytes()
	}
	behind := func(size int) []byte { return append(zeros(size), two...) }
	const mib, gib = 1 << 20, 1 << 30
	for _, test := range []struct {
		name  string
		size  int64
		start []byte
		want  string
	}{
		{"one member", 500 * mib, one, ""},
		{"one member, just not huge", gib - 1, one, ""},
		{"one huge member", gib, one, "one, 11.3s to 21.5s"},
		{"one larger member", 10 * gib, one, "one, 1m53s to 3m34.7s"},
		{"two members, small", 16*mib - 1, two, ""},
		// The figures of Quay's handler itself: 1.07 s and 4.93 s.
		{"two members", 16 * mib, two, "several, 1.2s to 1.2s"},
		{"two members, 32 MiB", 32 * mib, two, "several, 4.9s to 4.9s"},
		{"two members, 256 MiB", 256 * mib, two, "several, 5m15.5s to 5m15.5s"},
		{"a first member that ends behind what is looked at", 500 * mib, members(t, 2*mib, 1000), ""},
		{"a first member of many zeros", 500 * mib, behind(31 * mib), "several, 20m3.6s to 20m3.6s"},
		// Unpacking it all to see its end is what a stranger would like.
		{"a first member of more zeros", 500 * mib, behind(33 * mib), ""},
		{"padding behind the member", 32 * mib, append(members(t, 1000), 0, 0), "several, 4.9s to 4.9s"},
		{"zstd", 10 * gib, []byte("\x28\xb5\x2f\xfd rest"), ""},
		{"a tar file", 10 * gib, make([]byte, 1024), ""},
		{"half a header", 10 * gib, one[:2], "one, 1m53s to 3m34.7s"},
		{"no deflate", 500 * mib, append(bytes.Clone(one[:10]), 0xff, 0xff, 0xff), ""},
		{"nothing", 10 * gib, nil, ""},
		{"more than there can be", math.MaxInt64, two, "several, 8760h0m0s to 8760h0m0s"},
	} {
		got := ""
		if c := ingest.Of(test.size, start(test.start)); c.Slow() {
			got = fmt.Sprintf("%s, %v to %v", map[bool]string{true: "several", false: "one"}[c.Members], c.Least, c.Most)
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
