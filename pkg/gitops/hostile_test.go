package gitops_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/overlay"
)

const base = "apps/payments/checkout/base/"

// What the app itself would read and is not for reading, is refused by its reason, whether or not the server leaves it out.
func TestHostileRepository(t *testing.T) {
	for name, test := range map[string]struct {
		reason overlay.Reason
		write  func(f *fixture, w io.Writer)
	}{
		"a submodule that the base refers to": {overlay.ReasonRemote, func(_ *fixture, w io.Writer) {
			fmt.Fprintf(w, "M 160000 %040d %smodule\n", 1, base)
			content := "resources: [deployment.yaml, module]\n"
			gitopstest.WriteFile(w, base+"kustomization.yaml", int64(len(content)), strings.NewReader(content))
		}},
		"a file of a submodule": {overlay.ReasonRemote, func(_ *fixture, w io.Writer) {
			fmt.Fprintf(w, "M 160000 %040d %smodule\n", 1, base)
			content := "resources: [deployment.yaml, module/service.yaml]\n"
			gitopstest.WriteFile(w, base+"kustomization.yaml", int64(len(content)), strings.NewReader(content))
		}},
		"a submodule for the app": {overlay.ReasonRemote, func(_ *fixture, w io.Writer) {
			fmt.Fprintf(w, "M 160000 %040d apps/payments/checkout\n", 1)
		}},
		"a large file in the base": {overlay.ReasonTooLarge, func(_ *fixture, w io.Writer) {
			gitopstest.WriteFile(w, base+"large", 1<<20+1, gitopstest.Zeros{})
		}},
		"a larger file in the base": {overlay.ReasonTooLarge, func(_ *fixture, w io.Writer) {
			gitopstest.WriteFile(w, base+"larger", 5<<20, gitopstest.Zeros{})
		}},
		"a large overlay": {overlay.ReasonTooLarge, func(_ *fixture, w io.Writer) {
			gitopstest.WriteFile(w, overlayPath, 5<<20, gitopstest.Zeros{})
		}},
		"a large directory on the way": {overlay.ReasonTooLarge, func(_ *fixture, w io.Writer) {
			for i := range 9_000 {
				gitopstest.WriteFile(w, fmt.Sprintf("apps/%05d%0500d", i, 0), 1, gitopstest.Zeros{})
			}
		}},
		"a link on the way": {overlay.ReasonSymlink, func(_ *fixture, w io.Writer) {
			fmt.Fprint(w, "M 120000 inline apps/payments\ndata 5\nother\n")
		}},
		"a file on the way": {overlay.ReasonMissing, func(_ *fixture, w io.Writer) {
			gitopstest.WriteFile(w, "apps/payments", 1, gitopstest.Zeros{})
		}},
		// Ten thousand million directories, in ten objects.
		"directories in directories": {overlay.ReasonTooLarge, func(f *fixture, w io.Writer) {
			tree := strings.TrimSpace(gitopstest.Git(f.t, f.Dir, "rev-parse", "main:apps/payments/checkout/overlays/stg"))
			for range 10 {
				f.Import(func(w io.Writer) {
					fmt.Fprint(w, "commit refs/heads/level\ncommitter dev <dev@example.com> 1000000000 +0000\ndata 1\nx\ndeleteall\n")
					for i := range 10 {
						fmt.Fprintf(w, "M 040000 %s %d\n", tree, i)
					}
				})
				tree = strings.TrimSpace(gitopstest.Git(f.t, f.Dir, "rev-parse", "level^{tree}"))
			}
			fmt.Fprintf(w, "M 040000 %s %sdirectories\n", tree, base)
		}},
	} {
		for _, partial := range []string{"false", "true"} {
			t.Run(name+", partial clones "+partial, func(t *testing.T) {
				f := newFixture(t)
				gitopstest.Git(t, f.Dir, "config", "uploadpack.allowFilter", partial)
				var changes strings.Builder
				test.write(f, &changes)
				f.Import(func(w io.Writer) {
					gitopstest.StartCommit(w)
					io.WriteString(w, changes.String())
				})
				err := f.fail("(" + string(test.reason) + ")")
				if refusal := (*overlay.Refusal)(nil); !errors.As(err, &refusal) || refusal.Reason != test.reason {
					t.Errorf("error is %v, want the reason %q", err, test.reason)
				}
			})
		}
	}
}

// A submodule that nothing refers to is an empty directory, as after a clone.
func TestSubmoduleBesideTheBase(t *testing.T) {
	f := newFixture(t)
	f.Import(func(w io.Writer) {
		gitopstest.StartCommit(w)
		fmt.Fprintf(w, "M 160000 %040d apps/payments/checkout/base/chart\n", 1)
	})
	if got := f.update(); !got.Changed {
		t.Errorf("Update = %+v", got)
	}
	if module := gitopstest.Git(t, f.Dir, "ls-tree", branch, "apps/payments/checkout/base/chart"); !strings.HasPrefix(module, "160000 commit ") {
		t.Errorf("the submodule became %q", module)
	}
}

// The commit changes 20 bytes in each tree: modes and names that Git itself would not write stay.
func TestTreesStayAsTheyAre(t *testing.T) {
	f := newFixture(t)
	f.Import(func(w io.Writer) {
		gitopstest.StartCommit(w)
		fmt.Fprint(w, "M 100755 inline apps/payments/tool\ndata 1\nx\nM 120000 inline apps/payments/link\ndata 4\ntool\n")
		fmt.Fprintf(w, "M 160000 %040d apps/payments/module\nM 100644 inline \"apps/payments/a\\001b\"\ndata 1\nx\n", 1)
	})
	f.update()
	if changed := gitopstest.Git(t, f.Dir, "diff", "--raw", "--name-only", "main", branch); changed != overlayPath+"\n" {
		t.Errorf("the commit changes %q", changed)
	}
	gitopstest.Git(t, f.Dir, "fsck", "--strict")
}

// A server that leaves nothing out, and one that does, give the same commit.
func TestPartialClone(t *testing.T) {
	var trees []string
	for _, partial := range []string{"false", "true"} {
		f := newFixture(t)
		gitopstest.Git(t, f.Dir, "config", "uploadpack.allowFilter", partial)
		f.Commit("main", "a large file", map[string]string{"apps/other/large": strings.Repeat("x", 2<<20)})
		f.update()
		trees = append(trees, gitopstest.Git(t, f.Dir, "rev-parse", branch+"^{tree}"))
	}
	if trees[0] != trees[1] {
		t.Errorf("the trees are %q", trees)
	}
}
