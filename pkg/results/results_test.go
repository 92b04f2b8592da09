package results_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/results"
)

// files reads what is in a directory.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	content := map[string]string{}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			content[entry.Name()] = "a directory"
			continue
		}
		content[entry.Name()] = string(data)
	}
	return content
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	values := map[string]string{"branch": "ci/dev/3f4781f2", "changed": "true"}
	if err := results.Dir(dir).Write(values); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	info, err := os.Stat(filepath.Join(dir, "branch"))
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
	if err := results.Dir(dir).Prepare("branch", "commit"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"changed": "true"}, files(t, dir)); diff != "" {
		t.Errorf("after Prepare (-want +got):\n%s", diff)
	}
}

// Whatever fails, no file of this run is left, and no temporary one.
func TestWriteAllOrNone(t *testing.T) {
	for range 20 { // The order of a map is another one each time.
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "commit", "x"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := results.Dir(dir).Write(map[string]string{"branch": "b", "commit": "c", "changed": "d"}); err == nil {
			t.Error("it wrote over a directory")
		}
		if diff := cmp.Diff(map[string]string{"commit": "a directory"}, files(t, dir)); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	}
}

func TestWriteFollowsNoLink(t *testing.T) {
	dir, other := t.TempDir(), filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, filepath.Join(dir, "branch")); err != nil {
		t.Fatal(err)
	}
	if err := results.WriteFile(dir, "branch", "b"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(other); err != nil || string(got) != "mine" {
		t.Errorf("the other file is %q, %v", got, err)
	}
}

func TestPrepareTellsWhatCannotBeWritten(t *testing.T) {
	if err := results.Dir(filepath.Join(t.TempDir(), "none")).Prepare(); err == nil {
		t.Error("there is no such directory")
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "branch", "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := results.Dir(dir).Prepare("branch"); err == nil {
		t.Error("a directory is in the way")
	}
	if err := results.Dir("").Prepare("branch"); err != nil {
		t.Error(err)
	}
	if err := results.Dir("").Write(map[string]string{"branch": "b"}); err != nil {
		t.Error(err)
	}
}
