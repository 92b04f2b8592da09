package source_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/release/releasetest"
	"github.com/comptech-lab/quay-push/release/source"
)

// repository is a working copy of one commit.
type repository struct {
	t   *testing.T
	dir string
}

func newRepository(t *testing.T) repository {
	t.Helper()
	return repository{t, releasetest.Repository(t, map[string]string{"a.txt": "a\n", ".gitignore": "/bin/\n"})}
}

func (r repository) git(args ...string) string {
	r.t.Helper()
	return releasetest.Git(r.t, r.dir, args...)
}

func (r repository) write(name, content string) {
	r.t.Helper()
	releasetest.Write(r.t, r.dir, map[string]string{name: content})
}

func (r repository) clone(version string) (source.Tree, error) {
	return source.Clone(r.t.Context(), r.dir, filepath.Join(r.t.TempDir(), "source"), version)
}

func TestClone(t *testing.T) {
	r := newRepository(t)
	r.git("tag", "v0.1.0")
	r.write("bin/ko", "ignored")
	tree, err := r.clone("v0.2.0")
	if err != nil {
		t.Fatal(err)
	}
	if want := r.git("rev-parse", "HEAD"); tree.Commit != want || !tree.Time.Equal(time.Unix(1700000000, 0)) {
		t.Errorf("it is commit %s of %v, want %s", tree.Commit, tree.Time, want)
	}
	entries, err := os.ReadDir(tree.Dir)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{".git", ".gitignore", "a.txt"}; !slices.Equal(names, want) {
		t.Errorf("there are %q, want %q", names, want)
	}
	if content, err := os.ReadFile(filepath.Join(tree.Dir, "a.txt")); err != nil || string(content) != "a\n" {
		t.Errorf("a.txt has %q, %v", content, err)
	}
	there := repository{t, tree.Dir}
	if tags, status := there.git("tag", "--points-at", "HEAD"), there.git("status", "--porcelain"); tags != "v0.2.0" || status != "" {
		t.Errorf("the clone has tags %q and changes %q", tags, status)
	}
	if tags := r.git("tag"); tags != "v0.1.0" {
		t.Errorf("the working copy has tags %q", tags)
	}
}

// A tag that is there already, of either kind, must be this commit's.
func TestTag(t *testing.T) {
	for name, tag := range map[string][]string{"plain": {"tag", "v0.2.0"}, "annotated": {"tag", "--annotate", "--message", "m", "v0.2.0"}} {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t)
			r.git(tag...)
			if _, err := r.clone("v0.2.0"); err != nil {
				t.Errorf("the commit's own tag: %v", err)
			}
			r.write("a.txt", "b\n")
			releasetest.Commit(t, r.dir)
			if _, err := r.clone("v0.2.0"); err == nil || !strings.HasPrefix(err.Error(), "v0.2.0 is the tag of another commit than "+r.git("rev-parse", "HEAD")) {
				t.Errorf("another commit's tag: %v", err)
			}
		})
	}
}

func TestChanges(t *testing.T) {
	for _, name := range []string{"a.txt", "new.go"} {
		r := newRepository(t)
		r.write(name, "changed\n")
		if _, err := r.clone("v0.2.0"); err == nil || !strings.Contains(err.Error(), "has what is in no commit") || !strings.Contains(err.Error(), name) {
			t.Errorf("with a change in %s: %v", name, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	got := source.Tree{Time: time.Unix(1700000000, 0)}.Environment()
	if want := []string{"GOFLAGS=-buildvcs=true", "GOWORK=off", "CGO_ENABLED=0", "SOURCE_DATE_EPOCH=1700000000"}; !slices.Equal(got, want) {
		t.Errorf("it is %q", got)
	}
}
