package hostile

import (
	"bytes"
	"compress/gzip"
	"testing"
)

// Members has each of contents in a gzip member of its own, compressed at that level of package gzip.
func Members(t testing.TB, level int, contents ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, content := range contents {
		w, err := gzip.NewWriterLevel(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}
