package scratch

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// What was written comes back, and no name is left, be the file closed or not.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	f, err := New("the layers")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"one ", "", "two"} {
		if n, err := io.WriteString(f, part); err != nil || n != len(part) {
			t.Errorf("Write = %d, %v", n, err)
		}
	}
	whole, err := io.ReadAll(f.Section())
	if err != nil || string(whole) != "one two" || f.Size() != 7 {
		t.Errorf("it has %q, %d bytes (%v)", whole, f.Size(), err)
	}
	if n, err := f.ReadAt(make([]byte, 5), 4); n != 3 || err != io.EOF {
		t.Errorf("ReadAt = %d, %v", n, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left (%v)", left, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Write([]byte("x")); classOf(err) != failure.ClassNoScratch {
		t.Errorf("writing where nothing can be written: %v", err)
	}
}

func TestNoDirectory(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	_, err := New("the layers")
	if classOf(err) != failure.ClassNoScratch || !strings.HasPrefix(err.(*failure.Error).Problem, "the layers cannot be kept") {
		t.Errorf("New = %v", err)
	}
}

func classOf(err error) (class failure.Class) {
	if reason, ok := err.(*failure.Error); ok {
		class = reason.Class
	}
	return class
}
