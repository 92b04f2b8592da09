//go:build builders

package builders_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// digests are those of contents, as sha256:<hex>.
type digests map[string]bool

// add adds content and what it is without compression.
func (d digests) add(t *testing.T, content []byte) {
	t.Helper()
	d[digestOf(content)] = true
	d[digestOf(plain(t, content))] = true
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// plain is content without compression.
func plain(t *testing.T, content []byte) []byte {
	t.Helper()
	var reader io.Reader
	var err error
	switch {
	case bytes.HasPrefix(content, []byte{0x1f, 0x8b}):
		reader, err = gzip.NewReader(bytes.NewReader(content))
	case bytes.HasPrefix(content, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		reader, err = zstd.NewReader(bytes.NewReader(content))
	default:
		return content
	}
	if err == nil {
		content, err = io.ReadAll(reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// written are the contents of all files that the sources below dir have, as the builder wrote them.
func written(t *testing.T, dir, sources string) digests {
	t.Helper()
	found := digests{}
	for _, source := range strings.Split(sources, ",") {
		path := filepath.Join(dir, source)
		if _, err := os.Stat(path); err != nil {
			path = path[:strings.LastIndexByte(path, ':')]
		}
		if info, err := os.Stat(path); err != nil {
			t.Fatal(err)
		} else if info.IsDir() {
			for _, content := range filesBelow(t, path) {
				found.add(t, content)
			}
			continue
		}
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		reader := tar.NewReader(bytes.NewReader(plain(t, body)))
		for {
			header, err := reader.Next()
			if err == io.EOF {
				break
			}
			content, readErr := io.ReadAll(reader)
			if err != nil || readErr != nil {
				t.Fatalf("%q: %v, %v", path, err, readErr)
			}
			if header.Typeflag == tar.TypeReg {
				found.add(t, content)
			}
		}
	}
	return found
}

// filesBelow are the contents of the files below dir, by their paths in it.
func filesBelow(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		found[strings.TrimPrefix(path, dir+"/")], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// pulled are the contents that a client pulled into dir: manifests, configs and layers, but not what the client adds to them.
func pulled(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for name, content := range filesBelow(t, dir) {
		if !slices.Contains([]string{"version", "oci-layout", "index.json"}, name) {
			found[digestOf(content)] = content
		}
	}
	return found
}
