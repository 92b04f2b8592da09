package gitops

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// remoteOf is a server's repository.
func remoteOf(t *testing.T, server *gitopstest.Server) remote {
	t.Helper()
	client, connections := newClient(server.HTTP.URL, nil)
	t.Cleanup(connections.CloseIdleConnections)
	return remote{url: server.URL(), credential: credential{gitopstest.Username, secret.New(gitopstest.Password)}, client: client}
}

// fetchMain fetches the main branch of a server.
func fetchMain(t *testing.T, server *gitopstest.Server) (*pack, plumbing.Hash) {
	t.Helper()
	p, h, err := remoteOf(t, server).fetch(context.Background(), "main", "ci/dev/x", heads{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	if h.target.String() != server.Head("main") || !h.branch.IsZero() {
		t.Fatalf("fetch = %+v", h)
	}
	return p, h.target
}

// newTree is the tree of a server's main branch, with the files.
func newTree(t *testing.T, files map[string]string) tree {
	t.Helper()
	p, head := fetchMain(t, gitopstest.Start(t, files))
	root, err := p.tree(head)
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
	p, head := fetchMain(t, server)
	if _, err := p.tree(head); err != nil {
		t.Error(err)
	}
	if _, err := p.tree(first); err == nil {
		t.Error("the commit before came too")
	}
}
