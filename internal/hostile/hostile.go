// Package hostile is what a stranger could send, for tests of who reads it.
package hostile

import (
	"runtime"
	"strings"
	"testing"
)

// EmptyConfig is the beginning of a manifest with OCI's empty config.
const EmptyConfig = `{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.empty.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}`

// size is that of the largest document that is read, most what reading one may take, in bytes.
const size, most = 4 << 20, 24 << 20

// Fill is a document of 4 MiB: start, the element as often as it fits, and end.
func Fill(start, element, end string) []byte {
	return []byte(start + strings.Repeat(element+",", (size-len(start)-len(end))/(len(element)+1)-1) + element + end)
}

// Document is one to refuse, and what reads it and reports whether it was taken.
type Document struct {
	Body []byte
	Read func(body []byte) bool
}

// TakesLittleMemory fails for a document that is taken, or takes much memory.
func TakesLittleMemory(t *testing.T, documents map[string]Document) {
	t.Helper()
	if testing.Short() {
		t.Skip("megabytes of small values are decoded")
	}
	for name, d := range documents {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		ok := d.Read(d.Body)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; ok || took > most {
			t.Errorf("%s: taken is %v, and it took %d bytes, more than %d", name, ok, took, most)
		}
	}
}
