package stage

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// git runs it in dir, and returns what it printed.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// history returns a repository in which file page said "before" at the commit, and says something else now.
func history(t *testing.T) (root, commit string) {
	t.Helper()
	root = t.TempDir()
	git(t, root, "init", "--quiet")
	for _, says := range []string{"before", "now"} {
		if err := os.WriteFile(filepath.Join(root, "page"), []byte(says), 0o600); err != nil {
			t.Fatal(err)
		}
		git(t, root, "add", "page")
		git(t, root, "commit", "--quiet", "--message="+says)
	}
	return root, git(t, root, "rev-parse", "HEAD~1")
}

func TestCheckOut(t *testing.T) {
	root, commit := history(t)
	dir := t.TempDir()
	if err := CheckOut(t.Context(), root, commit, dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left %v, %v; want page alone", entries, err)
	}
	if page, err := os.ReadFile(filepath.Join(dir, "page")); err != nil || string(page) != "before" {
		t.Errorf("page says %q, %v", page, err)
	}
	if page, err := os.ReadFile(filepath.Join(root, "page")); err != nil || string(page) != "now" {
		t.Errorf("in the repository page says %q, %v", page, err)
	}
}

func TestCheckOutOfAShallowClone(t *testing.T) {
	root, commit := history(t)
	clone := filepath.Join(t.TempDir(), "clone")
	git(t, root, "clone", "--quiet", "--depth=1", "file://"+root, clone)
	err := CheckOut(t.Context(), clone, commit, t.TempDir())
	if err == nil || errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "run git fetch --unshallow") {
		t.Fatalf("got %v", err)
	}
	git(t, clone, "fetch", "--quiet", "--unshallow")
	if err := CheckOut(t.Context(), clone, commit, t.TempDir()); err != nil {
		t.Errorf("after what it says: %v", err)
	}
}

func TestCheckOutWithoutARepository(t *testing.T) {
	if err := CheckOut(t.Context(), t.TempDir(), "HEAD", t.TempDir()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}
