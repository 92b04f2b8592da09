// Package compress knows how layers are compressed, and compresses them.
package compress

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
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

// Format is the format in which content is compressed; "" if in none that is known.
func Format(content io.ReaderAt) string {
	start := make([]byte, 8)
	at := int64(0)
	for range maxSkipped {
		n, _ := content.ReadAt(start, at) // What cannot be read now is an error later.
		for _, m := range magics {
			if bytes.HasPrefix(start[:n], m.bytes) {
				return m.format
			}
		}
		if n < len(start) || start[0]&0xf0 != 0x50 || !bytes.Equal(start[1:4], skippable) {
			break
		}
		at += int64(len(start)) + int64(binary.LittleEndian.Uint32(start[4:]))
	}
	return ""
}

// skippable are the last three bytes by which a frame that a reader passes over begins (RFC 8878 section 3.1.2); pzstd puts one
// in front of each of its frames, lz4 knows them, too.
var skippable = []byte{0x2a, 0x4d, 0x18}

// maxSkipped is how many such frames may stand in front of the first one with content.
const maxSkipped = 16

// maxWindow bounds the memory for decompressing zstd, in bytes: RFC 8878 section 3.1.1.1.2 asks no reader for more.
const maxWindow = 8 << 20

// Decompress reads content to its end and writes to w what is in it. It returns the media type of a layer in the given
// format; "", without reading, if OCI has none.
func Decompress(ctx context.Context, w io.Writer, format string, content io.Reader) (types.MediaType, error) {
	content = &cancelled{ctx, content}
	switch format {
	case "gzip":
		reader, err := gzip.NewReader(content)
		if err == nil {
			_, err = io.Copy(w, reader)
		}
		return types.OCILayer, err
	case "zstd":
		reader, err := zstd.NewReader(content, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return "", err
		}
		defer reader.Close()
		_, err = io.Copy(w, reader)
		return types.OCILayerZStd, err
	}
	return "", nil
}

// cancelled is a reader that ends with its context.
type cancelled struct {
	ctx context.Context
	io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.Reader.Read(p)
}
