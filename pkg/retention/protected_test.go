package retention_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/retention"
)

// A tag needs what a branch would: what its overlays have, and every digest in a file, also of an annotated one.
func TestGitTags(t *testing.T) {
	s := gitopstest.Start(t, gitopstest.App("checkout"))
	s.Import(func(w io.Writer) {
		gitopstest.WriteCommit(w, ago(90*day), "one", "", map[string]string{"notes.md": digest("1")})
		gitopstest.WriteCommit(w, ago(90*day), "two", "", map[string]string{"notes.md": digest("2")})
		gitopstest.WriteCommit(w, ago(90*day), "gone", "", map[string]string{"notes.md": digest("3")})
	})
	for _, args := range [][]string{{"tag", "v1", "one"}, {"tag", "-a", "-m", "x", "v2", "two"}, {"branch", "-D", "one", "two", "gone"}} {
		gitopstest.Git(t, s.Dir, args...)
	}
	d := gitSource(t, s).Look(t.Context(), ago(grace))
	for letter, who := range map[string]string{"1": "tag v1 of gitops.git", "2": "tag v2 of gitops.git", "3": ""} {
		if got := d.By(digest(letter)); got != who {
			t.Errorf("%s is needed by %q, want %q", letter, got, who)
		}
	}
	if len(d.Gaps()) != 0 {
		t.Errorf("gaps %v", d.Gaps())
	}
}

// gapsOf are the gaps as text: organization, what and whether it is ignored.
func gapsOf(d retention.Demand) (found []string) {
	for _, g := range d.Gaps() {
		text := strings.TrimSpace(g.Organization + " " + g.What)
		if g.Ignored {
			text = "ignored: " + text
		}
		found = append(found, text)
	}
	slices.Sort(found)
	return found
}

// What a submodule needs is not known: its team's, or everything where it is in no team's directory.
func TestGitSubmodules(t *testing.T) {
	s := gitopstest.Start(t, gitopstest.App("checkout"))
	s.Import(func(w io.Writer) {
		gitopstest.WriteCommit(w, ago(10*day), "x", "", map[string]string{"notes.md": "none"})
		for _, name := range []string{"apps/payments/checkout/base", "apps/Odd/x", "vendor"} {
			fmt.Fprintf(w, "M 160000 %s %s\n", strings.Repeat("1", 40), name)
		}
	})
	g := gitSource(t, s)
	want := []string{`"apps/Odd/x" of branch x of gitops.git`, `"vendor" of branch x of gitops.git`, `team-payments "apps/payments/checkout/base" of branch x of gitops.git`}
	if got := gapsOf(g.Look(t.Context(), ago(grace))); !slices.Equal(got, want) {
		t.Errorf("gaps %q", got)
	}
	g = gitSource(t, s)
	if g.IgnoreSubmodules = true; len(gapsOf(g.Look(t.Context(), ago(grace)))) != 0 {
		t.Error("what is to be ignored is a gap")
	}
}

// Where some branches are protected, nothing on another keeps anything that it does not name: neither an overlay nor a file that cannot be
// read, nor history. What it names is needed all the same, and what the protected ones have, though it is the same, is not ignored.
func TestGitProtected(t *testing.T) {
	huge := strings.Repeat("#", 5<<20)
	start := func(files map[string]string) (*gitopstest.Server, *retention.Git) {
		s := gitopstest.Start(t, gitopstest.App("checkout"))
		s.Branch("a-stranger's", "main")
		s.Commit("a-stranger's", "break it", files)
		g := gitSource(t, s)
		g.Protected = []string{"main", "release/*"}
		return s, g
	}
	broken := map[string]string{"apps/Odd/x/overlays/dev/kustomization.yaml": "{ # " + digest("9"), devOf: "{", "huge.yaml": huge}
	s, g := start(broken)
	d := g.Look(t.Context(), ago(grace))
	want := []string{`ignored: a file "huge.yaml" of branch a-stranger's of gitops.git`, "ignored: apps/Odd/x/overlays/dev on branch a-stranger's of gitops.git", "ignored: team-payments apps/payments/checkout/overlays/dev on branch a-stranger's of gitops.git"}
	if got := gapsOf(d); !slices.Equal(got, want) {
		t.Errorf("gaps %q", got)
	}
	if who := d.By(digest("9")); who != "branch a-stranger's of gitops.git" {
		t.Errorf("it is needed by %q", who)
	}
	q := fake(anchor(digest("7"), 90*day), anchor(digest("9"), 90*day))
	if r := collect(t, q, true, &fakeSource{needs: map[string]string{}}, g); r.Count(retention.LetGo) != 1 || r.Count(retention.Kept) != 1 || len(r.Gaps) != 3 {
		t.Errorf("%+v", r)
	}
	// The same on a protected branch keeps everything, also where a tag, or a branch in it, has such a name.
	s.Branch("release/1", "a-stranger's")
	s.Branch("x/release/1", "a-stranger's")
	if got := gapsOf(g.Look(t.Context(), ago(grace))); !slices.Contains(got, `a file "huge.yaml" of branch release/1 of gitops.git`) || !slices.Contains(got, "apps/Odd/x/overlays/dev on branch release/1 of gitops.git") {
		t.Errorf("gaps %q", got)
	}
	gitopstest.Git(t, s.Dir, "branch", "-D", "release/1", "x/release/1")
	gitopstest.Git(t, s.Dir, "tag", "main", "a-stranger's")
	if got := gapsOf(g.Look(t.Context(), ago(grace))); len(got) == 0 || !strings.HasPrefix(got[len(got)-1], "ignored: ") || !strings.HasPrefix(got[0], "ignored: ") {
		t.Errorf("of a tag with the name of a branch: gaps %q", got)
	}
	g.Protected = []string{"main", "refs/tags/*"}
	if s.Branch("moved", "refs/heads/main"); !slices.Contains(gapsOf(g.Look(t.Context(), ago(grace))), `a file "huge.yaml" of tag main of gitops.git`) {
		t.Error("a protected tag keeps nothing")
	}
	// A pattern that is mistyped protects nothing.
	g.Protected = []string{"mian"}
	s.Branch("again", "refs/heads/main")
	d = g.Look(t.Context(), ago(grace))
	if got := d.Gaps(); len(got) != 1 || got[0].Ignored || !strings.Contains(got[0].Err.Error(), "--protected-ref") {
		t.Errorf("gaps %+v", got)
	}
}

// A tag that keeps the repository from being read keeps the protected branches from it no longer.
func TestGitProtectedFetch(t *testing.T) {
	files := gitopstest.App("checkout")
	files[devOf] = gitopstest.Kustomization("checkout", digest("a"))
	s := gitopstest.Start(t, files)
	s.Import(func(w io.Writer) {
		fmt.Fprint(w, "commit refs/heads/huge\ncommitter dev <dev@example.com> 1000000000 +0000\ndata 4\nmore\n")
		gitopstest.WriteFile(w, "noise", 5<<20, gitopstest.Zeros{})
	})
	gitopstest.Git(t, s.Dir, "tag", "huge", "huge:noise")
	g := gitSource(t, s)
	d := g.Look(t.Context(), ago(grace))
	if got := gapsOf(d); len(got) != 1 || strings.HasPrefix(got[0], "ignored") {
		t.Fatalf("without protected branches: %q", got)
	}
	g.Protected = []string{"main"}
	d = g.Look(t.Context(), ago(grace))
	if got := gapsOf(d); !slices.Equal(got, []string{"ignored: branches and tags of gitops.git that are not protected"}) || d.By(digest("a")) != "branch main of gitops.git" {
		t.Errorf("gaps %q, a is needed by %q", got, d.By(digest("a")))
	}
}
