package overlay_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// workingCopy writes app to disk, with .git.
func workingCopy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, app()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func locate(t *testing.T, path string) (*overlay.Repository, overlay.Overlay) {
	t.Helper()
	repository, o, err := overlay.Locate(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { repository.Close() })
	return repository, o
}

func TestLocate(t *testing.T) {
	dir := workingCopy(t)
	t.Chdir(filepath.Join(dir, "apps"))
	for _, path := range []string{
		filepath.Join(dir, dev.Dir()), filepath.Join(dir, dev.Path()), "payments/checkout/overlays/dev", "payments/../payments/checkout/overlays/dev/",
	} {
		if _, o := locate(t, path); o != dev {
			t.Errorf("Locate(%q) = %+v", path, o)
		}
	}
	for path, reason := range map[string]overlay.Reason{
		t.TempDir(): overlay.ReasonPath, dir: overlay.ReasonPath, "payments": overlay.ReasonPath, "payments/checkout/base": overlay.ReasonPath,
		"payments/checkout/overlays": overlay.ReasonPath, "../../x": overlay.ReasonPath, "payments/checkout/overlays/dev/other.yaml": overlay.ReasonPath,
		"Payments/checkout/overlays/dev": overlay.ReasonPath, "payments/checkout/overlays/qa": overlay.ReasonEnvironment,
	} {
		_, _, err := overlay.Locate(path)
		checkRefusal(t, err, reason)
	}
}

func TestWrite(t *testing.T) {
	dir := workingCopy(t)
	file := filepath.Join(dir, dev.Path())
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	repository, o := locate(t, file)
	e, err := overlay.Set(repository.FS(), o, pin)
	if err != nil {
		t.Fatal(err)
	}
	if err := repository.Write(e); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if want := kustomization("dev", digest("a"), digest("1")); err != nil || string(got) != want {
		t.Errorf("the file is %s, %v", got, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("beside it are %v, %v", entries, err)
	}
	checkRefusal(t, repository.Write(e), overlay.ReasonChanged)
	again, err := overlay.Set(repository.FS(), o, pin)
	if err != nil || again.Changed() {
		t.Errorf("Set again = %+v, %v", again, err)
	}
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := repository.Write(again); err != nil {
		t.Error(err)
	}
	if after, err := os.Stat(file); err != nil || !os.SameFile(before, after) {
		t.Errorf("an edit that changes nothing wrote the file (%v)", err)
	}
}

// On disk as in memory, a link is refused and what it leads to is left alone.
func TestSetThroughALink(t *testing.T) {
	for name, link := range map[string]string{"the file": dev.Path(), "its directory": dev.Dir(), "the app": "apps/payments/checkout"} {
		t.Run(name, func(t *testing.T) {
			dir, other := workingCopy(t), workingCopy(t)
			if err := os.RemoveAll(filepath.Join(dir, link)); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(other, link), filepath.Join(dir, link)); err != nil {
				t.Fatal(err)
			}
			repository, o := locate(t, filepath.Join(dir, dev.Path()))
			_, err := overlay.Set(repository.FS(), o, pin)
			checkRefusal(t, err, overlay.ReasonSymlink)
			checkRefusal(t, repository.Write(overlay.Edit{Path: dev.Path(), After: []byte("x")}), overlay.ReasonSymlink)
			if got, err := os.ReadFile(filepath.Join(other, dev.Path())); err != nil || string(got) != kustomization("dev", digest("d"), digest("1")) {
				t.Errorf("the other file is %s, %v", got, err)
			}
		})
	}
}

// What an edit that was killed, or somebody, left beside the file stays, and is not in the way.
func TestWriteKeepsWhatIsThere(t *testing.T) {
	dir := workingCopy(t)
	repository, o := locate(t, filepath.Join(dir, dev.Path()))
	e, err := overlay.Set(repository.FS(), o, pin)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, dev.Path()+".new"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := repository.Write(e); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, dev.Path()+".new")); err != nil || string(got) != "mine" {
		t.Errorf("that file is %q, %v", got, err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, dev.Path())); err != nil || string(got) != string(e.After) {
		t.Errorf("the overlay is %s, %v", got, err)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, dev.Dir())); err != nil || len(entries) != 2 {
		t.Errorf("beside it are %v, %v", entries, err)
	}
}
