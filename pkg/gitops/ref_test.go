package gitops_test

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
)

// A tag is read as a branch is, with what it had since, also an annotated one, one of such a one, and one of a directory or a file.
func TestReaderTags(t *testing.T) {
	s := gitopstest.Start(t, map[string]string{"file": "zero"})
	s.Import(func(w io.Writer) {
		gitopstest.WriteCommit(w, day(2), "gone", "", map[string]string{"file": "old"})
		gitopstest.WriteCommit(w, day(20), "gone", "", map[string]string{"file": "released", "dir/a": "in a directory"})
		gitopstest.WriteCommit(w, day(20), "other", "", map[string]string{"file": "signed"})
		gitopstest.WriteCommit(w, day(20), "more", "", map[string]string{"file": "nested", "dir/a": "only a directory", "blob": "only a file"})
	})
	for _, args := range [][]string{{"tag", "light", "gone"}, {"tag", "-a", "-m", "x", "annotated", "other"}, {"tag", "-a", "-m", "x", "inner", "more"}, {"tag", "-a", "-m", "x", "outer", "inner"},
		{"tag", "-d", "inner"}, {"tag", "tree", "more:dir"}, {"tag", "-a", "-m", "x", "blob", "more:blob"}, {"branch", "-D", "gone", "other", "more"}} {
		gitopstest.Git(t, s.Dir, args...)
	}
	got := read(t, reader(t, s), day(10))
	want := map[string][]string{"main": {"zero"}, "tag annotated": {"signed"}, "tag blob": {"only a file"}, "tag light": {"in a directory", "released"}, "tag outer": {"nested", "only a directory"}, "tag tree": nil, "past": {"old"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	snapshot, err := reader(t, s).Read(t.Context(), day(10), func(r gitops.Ref) bool { return strings.HasPrefix(string(r), "refs/tags/") && r != "refs/tags/light" })
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	if refs := snapshot.Refs(); !slices.Equal(refs, []gitops.Ref{"refs/tags/annotated", "refs/tags/blob", "refs/tags/outer", "refs/tags/tree"}) {
		t.Errorf("refs %q", refs)
	}
	for ref, want := range map[gitops.Ref]string{"refs/tags/annotated": "signed", "refs/tags/outer": "nested", "refs/tags/tree": "", "refs/tags/blob": ""} {
		tree, err := snapshot.Tree(ref)
		if tree == nil || err != nil {
			if ref != "refs/tags/blob" || err != nil {
				t.Errorf("%s: tree %v, error %v", ref, tree, err)
			}
			continue
		}
		if content, _ := fs.ReadFile(tree, "file"); string(content) != want {
			t.Errorf("%s has %q, want %q", ref, content, want)
		}
	}
}

// What is in a submodule is not fetched, and told: for each team once, and for each other name at the top.
func TestReaderSubmodules(t *testing.T) {
	s := gitopstest.Start(t, gitopstest.App("checkout"))
	submodules := func(since int) []string {
		t.Helper()
		snapshot, err := reader(t, s).Read(t.Context(), day(since), all)
		if err != nil {
			t.Fatal(err)
		}
		defer snapshot.Close()
		for _, ref := range snapshot.Refs() {
			if err := snapshot.Files(t.Context(), ref, func([]byte) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if err := snapshot.Past(t.Context(), snapshot.Refs(), func([]byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, u := range snapshot.Unread() {
			if u.Err != gitops.ErrSubmodule {
				t.Errorf("%s: %v", u.Path, u.Err)
			}
			found = append(found, u.Path)
		}
		return found
	}
	if got := submodules(1); len(got) != 0 {
		t.Errorf("without any: %q", got)
	}
	s.Import(func(w io.Writer) {
		gitopstest.WriteCommit(w, day(20), "x", "", map[string]string{"notes": "one"})
		for _, name := range []string{"apps/a/one/base", "apps/a/two/base", "apps/b/one/base", "apps/c", "vendor/x/y", "theme"} {
			fmt.Fprintf(w, "M 160000 %s %s\n", strings.Repeat("1", 40), name)
		}
	})
	want := []string{"apps/a/one/base", "apps/b/one/base", "apps/c", "theme", "vendor/x/y"}
	if diff := cmp.Diff(want, submodules(10)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.Import(func(w io.Writer) {
		gitopstest.WriteCommit(w, day(25), "x", "refs/heads/x^0", map[string]string{"notes": "two"})
		for _, name := range []string{"apps/a", "apps/b", "apps/c", "vendor", "theme"} {
			fmt.Fprintf(w, "D %s\n", name)
		}
	})
	if diff := cmp.Diff(want, submodules(22)); diff != "" {
		t.Errorf("of the past (-want +got):\n%s", diff)
	}
	if got := submodules(30); len(got) != 0 {
		t.Errorf("removed before: %q", got)
	}
}
