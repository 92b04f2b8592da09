package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// inGzip and inZstd are content, compressed; zstd with a window of the given size.
func inGzip(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(content)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func inZstd(t *testing.T, content []byte, window int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(window))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(content)
	// The size of what is flushed before its end is not in the header, so the window is.
	if err = errors.Join(err, w.Flush(), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func written(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar.gz")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A tar file that is compressed as a whole has the entries that it has without that, and errors name the file that was given.
func TestOpenCompressed(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	plain := packed(t, 3, 20, 10)
	body, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	half := len(body) / 2
	for name, content := range map[string][]byte{
		"gzip":                  inGzip(t, body),
		"gzip of two members":   append(inGzip(t, body[:half]), inGzip(t, body[half:])...),
		"zstd":                  inZstd(t, body, 8<<20),
		"zstd of two frames":    append(inZstd(t, body[:half], 1<<20), inZstd(t, body[half:], 1<<20)...),
		"zstd behind a skipped": append([]byte("\x50\x2a\x4d\x18\x03\x00\x00\x00abc"), inZstd(t, body, 1<<20)...),
	} {
		path := written(t, content)
		a, err := OpenArchive(t.Context(), path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		whole, err := io.ReadAll(io.NewSectionReader(a.content, 0, int64(len(body))+1))
		if err != nil || !bytes.Equal(whole, body) || len(a.entries) != 3 {
			t.Errorf("%s: %d bytes, want %d, with %d entries (%v)", name, len(whole), len(body), len(a.entries), err)
		}
		if _, err := a.Section("nothing"); a.Name() != path || err == nil || !strings.Contains(err.Error(), path+":nothing") {
			t.Errorf("%s: it is called %q, an error says %v", name, a.Name(), err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("%v is left (%v)", left, err)
	}
}

// Whatever is wrong with it is told, and what to do.
func TestOpenBadCompressed(t *testing.T) {
	body := bytes.Repeat([]byte("no tar file "), 100_000)
	good := inGzip(t, body)
	for _, test := range []struct {
		name          string
		content       []byte
		class         failure.Class
		problem, next string
	}{
		{"no tar file", good, failure.ClassSourceCorrupt, "is not a tar file", "build the image again"},
		{"cut off", good[:len(good)-9], failure.ClassSourceCorrupt, "cannot be decompressed (gzip), or is cut off", "build the image again"},
		{"garbage behind it", append(bytes.Clone(good), "garbage"...), failure.ClassSourceCorrupt, "cannot be decompressed (gzip)", "build the image again"},
		{"compressed twice", inGzip(t, good), failure.ClassSourceCorrupt, "is not a tar file", "build the image again"},
		{"a magic alone", []byte{0x1f, 0x8b}, failure.ClassSourceCorrupt, "cannot be decompressed (gzip)", "build the image again"},
		{"a large window", inZstd(t, bytes.Repeat(body, 12), 16<<20), failure.ClassSourceRefused, "a window of more than 8 MiB", "without --long"},
		{"bzip2", []byte("BZh91AY&SY"), failure.ClassSourceRefused, "is compressed with bzip2, and only gzip and zstd are read", "compress it with gzip"},
		{"xz", []byte("\xfd7zXZ\x00"), failure.ClassSourceRefused, "is compressed with xz", "leave a plain tar file"},
		{"lz4", []byte{0x04, 0x22, 0x4d, 0x18}, failure.ClassSourceRefused, "is compressed with lz4", "leave a plain tar file"},
	} {
		_, err := OpenArchive(t.Context(), written(t, test.content))
		if reason, ok := err.(*failure.Error); !ok || reason.Class != test.class || !strings.Contains(reason.Problem, test.problem) || !strings.Contains(reason.Next, test.next) {
			t.Errorf("%s: %#v, want %s: %q, next %q", test.name, err, test.class.Name, test.problem, test.next)
		}
	}
}

// A bomb is stopped at the bound, not behind it; what has just so many bytes is taken.
func TestUnpackStops(t *testing.T) {
	const most = 1 << 20
	for _, size := range []int{most, most + 1, 50 * most} {
		file, err := os.Open(written(t, inGzip(t, make([]byte, size))))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		unpacked, err := unpack(t.Context(), file, "gzip", most)
		reason, refused := err.(*failure.Error)
		switch {
		case size <= most && (err != nil || unpacked.Size() != int64(size)):
			t.Errorf("%d bytes: %v", size, err)
		case size > most && (!refused || reason.Class != failure.ClassSourceRefused || !strings.Contains(reason.Problem, "more than 1048576 bytes once it is decompressed")):
			t.Errorf("%d bytes: %v, want a refusal", size, err)
		}
		if unpacked != nil {
			unpacked.Close()
		}
	}
}

// Who cancels waits for no bomb, and a temporary directory that is not there is told as that.
func TestUnpackEnds(t *testing.T) {
	path := written(t, inGzip(t, make([]byte, 1<<20)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := OpenArchive(ctx, path); err == nil || err.(*failure.Error).Class != failure.ClassCancelled {
		t.Errorf("cancelled: %v", err)
	}
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	if _, err := OpenArchive(t.Context(), path); err == nil || err.(*failure.Error).Class != failure.ClassNoScratch {
		t.Errorf("without a temporary directory: %v", err)
	}
}
