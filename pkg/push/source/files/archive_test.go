package files

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// packed is the path of a tar file of n empty entries with names of the given length and a record of so many bytes.
func packed(t *testing.T, n, name, record int) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := range n {
		header := tar.Header{Name: fmt.Sprintf("%0*d", name, i)}
		if record > 0 {
			header.PAXRecords = map[string]string{"VENDOR.x": strings.Repeat("x", record)}
		}
		if err := w.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestArchiveBounds(t *testing.T) {
	if testing.Short() {
		t.Skip("archives at their bounds are made")
	}
	for _, test := range []struct {
		n, name, record int
		want            string
	}{
		{3, 20, 60 << 10, ""},
		{3, 20, 66 << 10, "more than 65536 bytes of headers for one entry, after 0 entries"},
		{3, 20, 1_000_000, "more than 65536 bytes of headers"},
		{maxNames / 250, 250, 0, ""},
		{maxNames/250 + 1, 250, 0, "more than 4194304 bytes together"},
		{1, 255, 0, ""},
		{1, 256, 0, "a name of 256 bytes"},
		{maxEntries, 10, 0, ""},
		{maxEntries + 1, 10, 0, "more than 30000 entries"},
	} {
		a, err := OpenArchive(t.Context(), packed(t, test.n, test.name, test.record))
		if err == nil {
			a.Close()
		}
		reason, _ := err.(*failure.Error)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%+v: %v", test, err)
		case test.want != "" && (reason == nil || reason.Class != failure.ClassSourceRefused || !strings.Contains(reason.Problem, test.want)):
			t.Errorf("%+v: %v, want %q", test, err, test.want)
		}
	}
}

// Of an entry its name is kept, not the header that the name came with.
func TestArchiveKeepsNamesAlone(t *testing.T) {
	const n, record, most = 400, 60 << 10, 4 << 20
	path := packed(t, n, 200, record)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	a, err := OpenArchive(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > most {
		t.Errorf("%d entries keep %d bytes, more than %d", n, kept, most)
	}
	if len(a.entries) != n {
		t.Errorf("%d entries", len(a.entries))
	}
}
