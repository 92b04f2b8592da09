package gitops_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
)

// What was not visited, or not whole, is told at every place where it is, though it is visited once, and where its name matters.
func TestReaderUnread(t *testing.T) {
	large, odd := strings.Repeat("#", 5<<20), errors.New("odd")
	s := gitopstest.Start(t, map[string]string{"apps/a/x/one.png": large, "apps/a/y.yaml": "odd", "apps/b/x/one.yaml": large, "apps/b/x/two.yaml": large,
		"apps/c.txt": "odd", "apps/d/fine.yaml": "fine", "apps/e/z/y.yaml": "odd", "top/y.png": "odd"})
	gitopstest.Git(t, s.Dir, "tag", "blob", "main:apps/c.txt")
	snapshot, err := reader(t, s).Read(t.Context(), day(1), all)
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	snapshot.Matters = func(name string, _ error) bool { return !strings.HasSuffix(name, ".png") }
	for _, ref := range snapshot.Refs() {
		visit := func(content []byte) error {
			if string(content) == "odd" {
				return odd
			}
			return nil
		}
		if err := snapshot.Files(t.Context(), ref, visit); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]string{}
	for _, u := range snapshot.Unread() {
		got[u.Path] = u.Err.Error()
	}
	want := map[string]string{"apps/a/y.yaml": "odd", "apps/b/x/one.yaml": gitops.ErrTooLarge.Error(), "apps/c.txt": "odd", "apps/e/z/y.yaml": "odd", "refs/tags/blob": "odd"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
