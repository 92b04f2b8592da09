package compress

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// skip is a frame that a reader of zstd passes over.
func skip(kind byte, content string) string {
	return string([]byte{0x50 | kind, 0x2a, 0x4d, 0x18}) + string(binary.LittleEndian.AppendUint32(nil, uint32(len(content)))) + content
}

func TestCompression(t *testing.T) {
	const zstd, gzip, lz4 = "\x28\xb5\x2f\xfd rest", "\x1f\x8b rest", "\x04\x22\x4d\x18 rest"
	for content, want := range map[string]string{
		zstd: "zstd", gzip: "gzip", lz4: "lz4", "BZh91": "bzip2", "\xfd7zXZ\x00": "xz",
		"": "", "a": "", "a tar file, for all that is known": "",
		skip(0, "") + zstd:                               "zstd",
		skip(15, "pzstd") + zstd:                         "zstd",
		skip(3, "ab") + skip(4, "c") + zstd:              "zstd",
		skip(0, "ab") + lz4:                              "lz4",
		skip(0, "ab"):                                    "",
		skip(0, "ab") + "not a frame":                    "",
		skip(0, "ab")[:6]:                                "",
		"P*M\x18\xff\xff\xff\xffabc":                     "",
		strings.Repeat(skip(0, ""), maxSkipped-1) + zstd: "zstd",
		strings.Repeat(skip(0, ""), maxSkipped) + zstd:   "",
	} {
		if got := Format(bytes.NewReader([]byte(content))); got != want {
			t.Errorf("compression(%.40q) = %q, want %q", content, got, want)
		}
	}
}
