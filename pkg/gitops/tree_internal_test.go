package gitops

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
)

// newTree is the tree of a server's main branch, with the files.
func newTree(t *testing.T, files map[string]string) tree {
	t.Helper()
	server := gitopstest.Start(t, files)
	r := remote{url: server.URL(), credential: credential{gitopstest.Username, gitopstest.Password}}
	h, err := r.look(context.Background(), "main", "ci/dev/x")
	if err != nil {
		t.Fatal(err)
	}
	c, h, err := r.fetch(context.Background(), "main", "ci/dev/x", h)
	if err != nil {
		t.Fatal(err)
	}
	_, root, err := c.commit(h.target)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// A commit's tree reads as a file system does.
func TestTreeIsAFileSystem(t *testing.T) {
	root := newTree(t, map[string]string{"README.md": "read me\n", "a/b/c.yaml": "c: 1\r\n", "a/b.yaml": "", "a/b-c/d": "d", "a/link": "-> b.yaml"})
	if err := fstest.TestFS(root, "README.md", "a/b/c.yaml", "a/b.yaml", "a/b-c/d", "a/link"); err != nil {
		t.Error(err)
	}
	content, err := fs.ReadFile(root, "a/b/c.yaml")
	if err != nil || string(content) != "c: 1\r\n" {
		t.Errorf("ReadFile = %q, %v", content, err)
	}
	info, err := fs.Lstat(root, "a/link")
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("Lstat of a link = %v, %v", info, err)
	}
	if target, err := fs.ReadLink(root, "a/link"); err != nil || target != "b.yaml" {
		t.Errorf("ReadLink = %q, %v", target, err)
	}
	for _, name := range []string{"none", "a/none", "README.md/x", "a/link/x", "none/x"} {
		if _, err := fs.Lstat(root, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Lstat(%q) = %v", name, err)
		}
	}
	for _, name := range []string{"", "/", "../a", "a/../a", "a/"} {
		if _, err := root.Open(name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Open(%q) = %v", name, err)
		}
	}
}

// The history of a repository may be long; an update needs none of it.
func TestFetchTakesNoHistory(t *testing.T) {
	server := gitopstest.Start(t, map[string]string{"README.md": "old\n"})
	first := plumbing.NewHash(server.Head("main"))
	server.Commit("main", "new", map[string]string{"README.md": "new\n"})
	r := remote{url: server.URL(), credential: credential{gitopstest.Username, gitopstest.Password}}
	c, h, err := r.fetch(context.Background(), "main", "ci/dev/x", heads{})
	if err != nil || h.target.String() != server.Head("main") || !h.branch.IsZero() {
		t.Fatalf("fetch = %+v, %v", h, err)
	}
	if _, _, err := c.commit(h.target); err != nil {
		t.Error(err)
	}
	if _, _, err := c.commit(first); err == nil {
		t.Error("the commit before came too")
	}
}
