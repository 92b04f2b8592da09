package compress

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// prose is content that compresses about as well as an image does.
func prose(seed byte, size int) []byte {
	random := rand.New(rand.NewChaCha8([32]byte{seed}))
	var b bytes.Buffer
	words := make([]string, 2000)
	for i := range words {
		words[i] = strings.Repeat(string(rune('a'+random.IntN(26))), 1+random.IntN(3)) + string(rune('0'+random.IntN(10))) + " "
	}
	for b.Len() < size {
		b.WriteString(words[random.IntN(len(words))])
	}
	return b.Bytes()[:size]
}

// noise is content that nothing compresses.
func noise(size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{4}).Read(b)
	return b
}

func compressed(t *testing.T, c *Compressor, content io.Reader) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := c.Compress(t.Context(), &out, content); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func newTestCompressor(t *testing.T, format string) *Compressor {
	t.Helper()
	c, err := New(format)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Any reader of gzip gets back what went in, whatever its size is to a block's.
func TestCompressToGzip(t *testing.T) {
	c := newTestCompressor(t, "gzip")
	for _, size := range []int{0, 1, blockSize - 1, blockSize, blockSize + 1, 3*blockSize + 7} {
		content := prose(1, size)
		packed := compressed(t, c, bytes.NewReader(content))
		reader, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		// One member alone: Quay counts the bytes of the first.
		reader.Multistream(false)
		got, err := io.ReadAll(reader)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes came back as %d (%v)", size, len(got), err)
		}
		if size > blockSize && len(packed) > size*3/4 {
			t.Errorf("%d bytes became %d", size, len(packed))
		}
		if !reader.ModTime.IsZero() || reader.Name != "" {
			t.Errorf("the header has %+v", reader.Header)
		}
	}
	if free := len(c.free); free != cap(c.free) {
		t.Errorf("%d of %d blocks are free", free, cap(c.free))
	}
}

// The digest is the same on any number of CPUs, however the content comes in and whatever else is compressed.
func TestCompressIsDeterministic(t *testing.T) {
	content := prose(2, 2*blockSize+5)
	for format := range outputs {
		t.Run(format, func(t *testing.T) { compressesAlike(t, format, content) })
	}
}

func compressesAlike(t *testing.T, format string, content []byte) {
	want := compressed(t, newTestCompressor(t, format), bytes.NewReader(content))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{1, 3} {
		runtime.GOMAXPROCS(procs)
		c := newTestCompressor(t, format)
		// What its blocks have compressed before changes nothing.
		compressed(t, c, bytes.NewReader(prose(3, 5*blockSize)))
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() {
				var out bytes.Buffer
				reader := iotest.HalfReader(bytes.NewReader(content))
				if err := c.Compress(context.Background(), &out, reader); err != nil || !bytes.Equal(out.Bytes(), want) {
					t.Errorf("on %d CPUs the output differs (%v)", procs, err)
				}
			})
		}
		group.Wait()
	}
}

// failingWriter takes some bytes and no more.
type failingWriter struct{ left int }

var errFull = errors.New("full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// Whatever fails, the error comes back and every block is free for the next layer.
func TestCompressFails(t *testing.T) {
	for format := range outputs {
		t.Run(format, func(t *testing.T) { compressFails(t, newTestCompressor(t, format)) })
	}
}

func compressFails(t *testing.T, c *Compressor) {
	content := make([]byte, (cap(c.free)+2)*blockSize)
	errBroken := errors.New("broken")
	ended, end := context.WithCancelCause(t.Context())
	end(errBroken)
	for name, test := range map[string]struct {
		ctx  context.Context
		w    io.Writer
		r    io.Reader
		want error
	}{
		"writing the start":      {t.Context(), &failingWriter{5}, bytes.NewReader(content), errFull},
		"writing a block":        {t.Context(), &failingWriter{70}, bytes.NewReader(content), errFull},
		"reading":                {t.Context(), io.Discard, io.MultiReader(bytes.NewReader(content), iotest.ErrReader(errBroken)), errBroken},
		"reading within a block": {t.Context(), io.Discard, io.MultiReader(bytes.NewReader(content[1:]), iotest.ErrReader(errBroken)), errBroken},
		"the context":            {ended, io.Discard, bytes.NewReader(content), errBroken},
	} {
		if err := c.Compress(test.ctx, test.w, test.r); !errors.Is(err, test.want) {
			t.Errorf("%s: compress = %v, want %v", name, err, test.want)
		}
		if free := len(c.free); free != cap(c.free) {
			t.Errorf("%s: %d of %d blocks are free", name, free, cap(c.free))
		}
	}
}
