package push_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// unprivileged makes the rest of the test open files as a user whom permissions bind: root reads everything.
func unprivileged(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	const nobody = 65534
	runtime.LockOSThread()
	if err := syscall.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setfsuid(0); err != nil {
			t.Fatal(err)
		}
		runtime.UnlockOSThread()
	})
}

// reachable lets other users into the directory that all of the test's own are in.
func (f *fixture) reachable() {
	f.t.Helper()
	if err := os.Chmod(filepath.Dir(f.layout), 0o755); err != nil {
		f.t.Fatal(err)
	}
}

// What may not be read is there: it is not called missing, and the next step is about permission.
func TestPermission(t *testing.T) {
	for name, locked := range map[string]func(f *fixture) string{
		"the layout":      func(f *fixture) string { return f.layout },
		"its parent":      func(f *fixture) string { return filepath.Dir(f.layout) },
		"the index":       func(f *fixture) string { return filepath.Join(f.layout, "index.json") },
		"blobs":           func(f *fixture) string { return filepath.Join(f.layout, "blobs") },
		"blobs of sha256": func(f *fixture) string { return filepath.Join(f.layout, "blobs", "sha256") },
		"an archive": func(f *fixture) string {
			return strings.TrimPrefix(f.archived("oci-archive:", entriesOf(f.t, f.layout)...), "oci-archive:")
		},
		"an archive by its path": func(f *fixture) string { return f.archived("", entriesOf(f.t, f.layout)...) },
		"a docker-archive": func(f *fixture) string {
			return f.archived("docker-archive:", tarEntry{name: "manifest.json", content: []byte("[]")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.reachable()
			path := locked(f)
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, 0); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := os.Chmod(path, info.Mode()); err != nil {
					t.Error(err)
				}
			})
			unprivileged(t)
			f.opts.ResultsDir = ""
			_, err = push.Push(t.Context(), f.opts)
			reason, ok := err.(*failure.Error)
			if !ok || reason.Class != failure.ClassSourceMissing {
				t.Fatalf("pushing = %v, want class %s", err, failure.ClassSourceMissing.Name)
			}
			if want := fmt.Sprintf("user %d has no permission to read ", os.Getuid()); !strings.Contains(reason.Problem, want) {
				t.Errorf("the problem is %q, want %q in it", reason.Problem, want)
			}
			if !strings.Contains(reason.Next, "chmod") {
				t.Errorf("the next step is %q", reason.Next)
			}
		})
	}
}
