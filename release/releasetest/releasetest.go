// Package releasetest makes what tests of releases begin with: a small repository, and a base image.
package releasetest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/release/program"
)

// Repository returns the directory of a working copy with one commit of the files.
func Repository(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	Git(t, dir, "init", "--quiet")
	Write(t, dir, files)
	Commit(t, dir)
	return dir
}

// Write writes files below dir.
func Write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Commit commits all that is in dir, at 1700000000 seconds.
func Commit(t *testing.T, dir string) {
	t.Helper()
	Git(t, dir, "add", ".")
	Git(t, dir, "commit", "--quiet", "--message", "m")
}

// Git returns what git prints in dir. It reads nobody's settings.
func Git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	const date = "1700000000 +0100"
	git := program.Program{Name: "git", Dir: dir, Env: []string{"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_DATE=" + date, "GIT_COMMITTER_DATE=" + date}}
	out, err := git.Run(t.Context(), append([]string{"-c", "user.name=n", "-c", "user.email=n@example.com"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Base pushes host/static:latest, an index over images of two platforms with nothing in them, and returns that name.
func Base(t *testing.T, host string) string {
	t.Helper()
	var index v1.ImageIndex = empty.Index
	for _, arch := range []string{"amd64", "arm64"} {
		image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: arch})
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	tag, err := name.NewTag(host + "/static:latest")
	if err == nil {
		err = remote.WriteIndex(tag, index)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tag.String()
}
