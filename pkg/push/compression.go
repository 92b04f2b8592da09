package push

import (
	"bytes"
	"io"
)

// magics are the first bytes of the formats in which a tar file is compressed.
var magics = []struct {
	format string
	bytes  []byte
}{
	{"gzip", []byte{0x1f, 0x8b}},
	{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd}},
	{"bzip2", []byte("BZh")},
	{"xz", []byte("\xfd7zXZ\x00")},
	{"lz4", []byte{0x04, 0x22, 0x4d, 0x18}},
}

// compression is the format in which content is compressed; "" if in none that is known.
func compression(content io.ReaderAt) string {
	start := make([]byte, 6)
	n, _ := content.ReadAt(start, 0) // What cannot be read now is an error later.
	for _, m := range magics {
		if bytes.HasPrefix(start[:n], m.bytes) {
			return m.format
		}
	}
	return ""
}
