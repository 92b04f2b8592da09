package files

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/hostile"
)

// FuzzArchive indexes anything as a tar file. What it finds must be what archive/tar reads.
func FuzzArchive(f *testing.F) {
	pack := func(headers ...tar.Header) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range headers {
			err := w.WriteHeader(&h)
			if err == nil && h.Size > 0 {
				_, err = w.Write(make([]byte, h.Size))
			}
			if err != nil {
				f.Fatal(err)
			}
		}
		w.Close()
		return b.Bytes()
	}
	f.Add(pack(tar.Header{Name: "oci-layout", Size: 10}, tar.Header{Name: "blobs/", Typeflag: tar.TypeDir}, tar.Header{Name: "index.json", Size: 600}))
	f.Add(pack(tar.Header{Name: "a", Size: 3}, tar.Header{Name: "b", Typeflag: tar.TypeSymlink, Linkname: "../a"}, tar.Header{Name: "c", Typeflag: tar.TypeLink, Linkname: "a"}))
	f.Add(pack(tar.Header{Name: strings.Repeat("long/", 40) + "x", Size: 3, Format: tar.FormatPAX, PAXRecords: map[string]string{"VENDOR.x": "y"}}, tar.Header{Name: "x", Format: tar.FormatGNU, Size: 1}))
	file, err := os.CreateTemp(f.TempDir(), "")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { file.Close() })
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := file.WriteAt(data, 0); err != nil {
			t.Fatal(err)
		}
		a := newArchive(file.Name(), file)
		err := a.index(t.Context(), int64(len(data)))
		hostile.Classed(t, err)
		if err != nil {
			return
		}
		reader := tar.NewReader(bytes.NewReader(data))
		for {
			header, err := reader.Next()
			if err != nil {
				break
			}
			if header.Typeflag != tar.TypeReg || sparse(header) {
				continue
			}
			want, err := io.ReadAll(reader)
			if err != nil {
				t.Fatalf("%q was taken, and ends before it should: %v", header.Name, err)
			}
			content, err := a.Section(header.Name)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(content); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%q has %d bytes, archive/tar reads %d (%v)", header.Name, len(got), len(want), err)
			}
		}
		for name, e := range a.entries {
			if !filepath.IsLocal(name) || e.link != "" && !filepath.IsLocal(e.link) {
				t.Errorf("entry %q, link %q", name, e.link)
			}
			_, err := a.Follow(name)
			hostile.Classed(t, err)
		}
	})
}
