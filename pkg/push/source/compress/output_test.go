package compress

import (
	"bytes"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
)

// Any reader of zstd gets back what went in, whatever its size is to a block's, and needs no larger window than RFC 8878 asks for.
func TestCompressToZstd(t *testing.T) {
	c := newTestCompressor(t, "zstd")
	if c.MediaType() != types.OCILayerZStd {
		t.Errorf("the media type is %q", c.MediaType())
	}
	for _, size := range []int{0, 1, blockSize - 1, blockSize, blockSize + 1, 3*blockSize + 7} {
		content := prose(1, size)
		packed := compressed(t, c, bytes.NewReader(content))
		if got := Format(bytes.NewReader(packed)); got != "zstd" {
			t.Errorf("%d bytes are taken for %q", size, got)
		}
		reader, err := zstd.NewReader(nil, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		got, err := reader.DecodeAll(packed, nil)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes came back as %d (%v)", size, len(got), err)
		}
		var out bytes.Buffer
		if mediaType, err := Decompress(t.Context(), &out, "zstd", bytes.NewReader(packed)); err != nil || mediaType != types.OCILayerZStd || !bytes.Equal(out.Bytes(), content) {
			t.Errorf("decompressing %d bytes = %d of type %q (%v)", size, out.Len(), mediaType, err)
		}
		if size > blockSize && len(packed) > size*3/4 {
			t.Errorf("%d bytes became %d", size, len(packed))
		}
	}
	if free := len(c.free); free != cap(c.free) {
		t.Errorf("%d of %d blocks are free", free, cap(c.free))
	}
}

// What cannot be made smaller grows by less than a thousandth.
func TestCompressNoise(t *testing.T) {
	content := noise(3*blockSize + 7)
	for format := range outputs {
		packed := compressed(t, newTestCompressor(t, format), bytes.NewReader(content))
		if len(packed) > len(content)+len(content)/1000 {
			t.Errorf("%s makes %d bytes of %d", format, len(packed), len(content))
		}
	}
}

func TestOutputs(t *testing.T) {
	for format, want := range map[string]bool{"gzip": true, "zstd": true, "": false, "bzip2": false, "GZIP": false} {
		if got := IsOutput(format); got != want {
			t.Errorf("IsOutput(%q) = %v", format, got)
		}
		if _, err := New(format); (err == nil) != want {
			t.Errorf("New(%q): %v", format, err)
		}
	}
}
