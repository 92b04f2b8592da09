package retention_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
)

// packed is text in gzip, as often as times.
func packed(t *testing.T, text string, times int) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for range times {
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A digest is needed however a file writes it: each of these is what some tool makes an image of, or unpacks.
func TestGitContent(t *testing.T) {
	digits := func(letter string) string { return strings.Repeat(letter, 64) }
	line := strings.Repeat("#", 99) + "\n"
	s := gitopstest.Start(t, gitopstest.App("checkout"))
	gitopstest.Git(t, s.Dir, "config", "uploadpack.allowFilter", "true")
	s.Commit("main", "charts", map[string]string{
		"charts/values.yaml":  "image: {repository: quay.test/x@sha256, tag: " + digits("1") + "}\n",
		"charts/dep-1.0.tgz":  packed(t, "image: x@"+digest("2"), 1),
		"rendered/all.yaml":   strings.Repeat(line, 15_000) + "image: x@" + digest("3") + "\n",
		"charts/split.yaml":   "image: x@\"sha256:\\\n  " + digits("4") + "\"\n",
		"charts/escaped.json": `{"image":"x@sha256\u003a` + digits("5") + `"}`,
		"charts/glued":        "0" + digits("6") + ":7" + digits("8") + "9",
		"charts/no.tgz":       "\x1f\x8b" + digest("a"),
		"charts/cut.tgz":      packed(t, "x@"+digest("b")+"\n", 1_000)[:120],
		"charts/huge.png":     strings.Repeat("\x00", 5<<20),
	})
	d := gitSource(t, s).Look(t.Context(), ago(grace))
	for letter, want := range map[string]bool{"1": true, "2": true, "3": true, "4": true, "5": true, "6": true, "8": false, "a": true, "b": true, "c": false} {
		if got := d.By(digest(letter)) != ""; got != want {
			t.Errorf("%s is needed: %t, want %t", letter, got, want)
		}
	}
	if len(d.Gaps()) != 0 {
		t.Errorf("gaps %v", d.Gaps())
	}
}

// What cannot be read may need anything.
func TestGitContentTooLarge(t *testing.T) {
	line := strings.Repeat("#", 99) + "\n"
	for name, files := range map[string]map[string]string{
		"a file of 5 MiB":       {"rendered/all.yaml": strings.Repeat(line, 5<<20/100+1) + "image: x@" + digest("1") + "\n"},
		"a chart that blows up": {"charts/dep.tgz": packed(t, line, 64<<20/100+1)},
	} {
		for _, filter := range []string{"false", "true"} {
			s := gitopstest.Start(t, gitopstest.App("checkout"))
			gitopstest.Git(t, s.Dir, "config", "uploadpack.allowFilter", filter)
			s.Commit("main", "large", files)
			d := gitSource(t, s).Look(t.Context(), ago(grace))
			if gaps := d.Gaps(); len(gaps) != 1 || gaps[0].Organization != "" {
				t.Errorf("%s, filter %s: gaps %v", name, filter, gaps)
			}
		}
	}
}

// A file that cannot be read whole is that of the team in whose directory it is, and also somebody else's who has the same one.
func TestGitContentOwner(t *testing.T) {
	bomb, large := packed(t, strings.Repeat("#", 999)+"\n", 64<<20/1_000+1), strings.Repeat("#", 5<<20)
	s := gitopstest.Start(t, gitopstest.App("checkout"))
	gaps := func(files map[string]string) []string {
		t.Helper()
		s.Commit("main", "change", files)
		g := gitSource(t, s)
		g.Protected = []string{"main"}
		return gapsOf(g.Look(t.Context(), now.AddDate(10, 0, 0)))
	}
	if got, want := gaps(map[string]string{"apps/evil/x/y.gz": bomb}), []string{`team-evil a file "apps/evil/x/y.gz" of branch main of gitops.git`}; !slices.Equal(got, want) {
		t.Errorf("gzip: gaps %q", got)
	}
	want := []string{`a file "apps/Odd/y.gz" of branch main of gitops.git`, `a file "charts/y.gz" of branch main of gitops.git`,
		`team-evil a file "apps/evil/x/y.gz" of branch main of gitops.git`, `team-payments a file "apps/payments/x/y.gz" of branch main of gitops.git`}
	if got := gaps(map[string]string{"apps/payments/x/y.gz": bomb, "apps/Odd/y.gz": bomb, "charts/y.gz": bomb, "charts/z.gz": bomb}); !slices.Equal(got, want) {
		t.Errorf("gzip in many places: gaps %q", got)
	}
	s = gitopstest.Start(t, gitopstest.App("checkout"))
	want = []string{`a file "charts/x.yaml" of branch main of gitops.git`, `team-payments a file "apps/payments/x.yaml" of branch main of gitops.git`}
	if got := gaps(map[string]string{"apps/evil/x.png": large, "apps/payments/x.yaml": large, "charts/x.yaml": large}); !slices.Equal(got, want) {
		t.Errorf("large: gaps %q", got)
	}
	// What is gone from the branch is its team's, too.
	s.Commit("main", "take it back", map[string]string{"charts/x.yaml": "#", "apps/payments/x.yaml": "#", "apps/evil/x.png": "#"})
	want = []string{`a file "charts/x.yaml" of what branches of gitops.git had`, `team-payments a file "apps/payments/x.yaml" of what branches of gitops.git had`}
	if got := gapsOf(gitSource(t, s).Look(t.Context(), ago(grace))); !slices.Equal(got, want) {
		t.Errorf("of the past: gaps %q", got)
	}
}

// counters are so many digests in gzip from one on, one a line.
func counters(t *testing.T, from, n int) string {
	t.Helper()
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "%064x\n", from+i)
	}
	return packed(t, text.String(), 1)
}

// Digests that nothing has take no memory without end: of a file 100,000 are noted, and 500,000 of a repository, those of the protected
// branches first.
func TestGitContentDigests(t *testing.T) {
	counter := func(i int) string { return fmt.Sprintf("sha256:%064x", i) }
	files := gitopstest.App("checkout")
	files["apps/evil/x.gz"], files["apps/payments/notes.md"] = counters(t, 1, 100_001), digest("a")
	s := gitopstest.Start(t, files)
	s.Branch("a-stranger's", "main")
	more := map[string]string{"notes.md": digest("b")}
	for i := range 5 {
		more[fmt.Sprintf("x/%d.gz", i)] = counters(t, 200_000*(i+1), 100_000)
	}
	s.Commit("a-stranger's", "count", more)
	g := gitSource(t, s)
	g.Protected = []string{"main"}
	d := g.Look(t.Context(), ago(grace))
	want := []string{`ignored: a file "x/3.gz" of branch a-stranger's of gitops.git`, `team-evil a file "apps/evil/x.gz" of branch main of gitops.git`}
	if got := gapsOf(d); !slices.Equal(got, want) || !strings.Contains(d.Gaps()[0].Err.Error(), "it names more than 100000 digests, or all files more than 500000") {
		t.Errorf("gaps %+v", d.Gaps())
	}
	for needed, who := range map[string]string{digest("a"): "branch main of gitops.git", counter(100_000): "branch main of gitops.git", counter(100_001): "",
		digest("b"): "branch a-stranger's of gitops.git", counter(200_000): "branch a-stranger's of gitops.git", counter(1_099_999): ""} {
		if got := d.By(needed); got != who {
			t.Errorf("%s is needed by %q, want %q", needed, got, who)
		}
	}
	// Who asks for some alone finds them, however many others there are.
	pinned, gaps := g.Pins(t.Context(), []string{counter(100_001), counter(1_099_999)}, time.Now())
	wantPinned := map[string][]string{counter(100_001): {"branch a-stranger's of gitops.git"}, counter(1_099_999): {"branch a-stranger's of gitops.git"}}
	if diff := cmp.Diff(wantPinned, pinned); diff != "" || len(gaps) > 0 {
		t.Errorf("gaps %v, pinned (-want +got):\n%s", gaps, diff)
	}
}
