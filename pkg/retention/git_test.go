package retention_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/retention"
)

// gitSource is the repository of a server as a source. The organization of every team but "Odd" is team-<name>.
func gitSource(t testing.TB, s *gitopstest.Server) *retention.Git {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"username": gitopstest.Username, "password": gitopstest.Password} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := gitops.NewReader(gitops.Reading{Repository: s.URL(), Credential: dir, PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reader.Close)
	return &retention.Git{Reader: reader, Organization: func(team string) string {
		if team == "Odd" {
			return ""
		}
		return "team-" + team
	}}
}

// devOf is where CI writes.
const devOf = "apps/payments/checkout/overlays/dev/kustomization.yaml"

func TestGit(t *testing.T) {
	files := gitopstest.App("checkout")
	files[devOf] = gitopstest.Kustomization("checkout", digest("a"))
	s := gitopstest.Start(t, files)
	s.Import(func(w io.Writer) {
		commit := func(age time.Duration, branch, from string, files map[string]string) {
			gitopstest.WriteCommit(w, ago(age), branch, from, files)
		}
		commit(90*day, "old", "", map[string]string{"notes.md": "sha256:" + strings.Repeat("0", 64)})
		commit(80*day, "old", "", map[string]string{"notes.md": "the image is x@" + digest("1")})
		commit(40*day, "old", "", map[string]string{"notes.md": "the image is x@" + digest("2")})
		commit(10*day, "old", "", map[string]string{"notes.md": "none"})
		// The same app, which takes its digest from outside of its directory: another on each branch.
		for branch, letter := range map[string]string{"left": "3", "right": "4"} {
			commit(2*day, branch, "", map[string]string{"base/kustomization.yaml": "resources: [deployment.yaml]\nimages: [{name: x, digest: \"sha256:" + strings.Repeat("\\u003"+letter, 64) + "\"}]\n",
				"base/deployment.yaml":                             "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: x, image: x}]}\n",
				"apps/payments/ui/overlays/dev/kustomization.yaml": "resources: [../../../../../base]\n"})
		}
	})
	g := gitSource(t, s)
	d := g.Look(t.Context(), ago(grace))
	for letter, who := range map[string]string{"a": "branch main of gitops.git", "0": "", "1": "", "2": "a branch of gitops.git had it within the grace period",
		"3": "branch left of gitops.git", "4": "branch right of gitops.git"} {
		if got := d.By(digest(letter)); got != who {
			t.Errorf("%s is needed by %q, want %q", letter, got, who)
		}
	}
	if len(d.Gaps()) != 0 {
		t.Errorf("gaps %v", d.Gaps())
	}
	if d := g.Look(t.Context(), ago(60*day)); d.By(digest("1")) != "" {
		t.Error("what did not move was read again")
	}

	// A look that finds the same heads is one request; one that finds others sees what is new.
	before := s.Requests.Load()
	if d := g.Look(t.Context(), ago(grace)); d.By(digest("a")) == "" || s.Requests.Load() != before+1 {
		t.Errorf("the second look: %d requests", s.Requests.Load()-before)
	}
	s.Commit("ci/dev/b", "bump", map[string]string{"apps/payments/checkout/overlays/dev/kustomization.yaml": gitopstest.Kustomization("checkout", digest("b"))})
	if d := g.Look(t.Context(), ago(grace)); d.By(digest("b")) != "branch ci/dev/b of gitops.git" || d.By(digest("a")) != "branch main of gitops.git" {
		t.Errorf("b is needed by %q, a by %q", d.By(digest("b")), d.By(digest("a")))
	}
}

// A commit that was written anew with its old time, as git rebase --committer-date-is-author-date does, hides nothing of what the branch
// was at before.
func TestGitOldTimes(t *testing.T) {
	s := gitopstest.Start(t, gitopstest.App("checkout"))
	s.Import(func(w io.Writer) {
		for i, age := range []time.Duration{90 * day, 70 * day, 10 * day, 5 * day, 60 * day, 60 * day, 60 * day} {
			gitopstest.WriteCommit(w, ago(age), "x", "", map[string]string{"notes.md": "x@" + digest(string(rune('1'+i)))})
		}
	})
	d := gitSource(t, s).Look(t.Context(), ago(grace))
	for letter, want := range map[string]bool{"1": false, "2": true, "3": true, "4": true, "5": true, "6": true, "7": true} {
		if got := d.By(digest(letter)) != ""; got != want {
			t.Errorf("%s is needed: %t, want %t", letter, got, want)
		}
	}
	if len(d.Gaps()) != 0 {
		t.Errorf("gaps %v", d.Gaps())
	}
}

// An overlay that cannot be rendered leaves what its team needs unknown; what is not the repository's any more, everything.
func TestGitGaps(t *testing.T) {
	for name, row := range map[string]struct {
		files        map[string]string
		before       func(w http.ResponseWriter, r *http.Request) bool
		organization string
		what, err    string
	}{
		"no YAML":           {files: map[string]string{devOf: "{"}, organization: "team-payments", what: `apps/payments/checkout/overlays/dev on branch x of gitops.git`, err: "(render)"},
		"a remote base":     {files: map[string]string{devOf: "resources: [https://github.com/x/y]\n# " + digest("9")}, organization: "team-payments", what: "apps/payments/checkout/overlays/dev", err: "(remote)"},
		"a symbolic link":   {files: map[string]string{"apps/payments/checkout/base/deployment.yaml": "-> /etc/passwd"}, organization: "team-payments", what: "apps/payments/checkout/overlays/dev", err: "(symlink)"},
		"an overlay of qa":  {files: map[string]string{"apps/payments/checkout/overlays/qa/kustomization.yaml": "resources: [none]\n"}, organization: "team-payments", what: "overlays/qa", err: "(missing)"},
		"no team":           {files: map[string]string{"apps/Odd/checkout/overlays/dev/kustomization.yaml": "{"}, what: "apps/Odd/checkout/overlays/dev", err: "(render)"},
		"a huge file in it": {files: map[string]string{"apps/payments/checkout/overlays/dev/huge.yaml": strings.Repeat("#", 2<<20)}, organization: "team-payments", what: "apps/payments/checkout/overlays/dev", err: "(too-large)"},
		"too deep to read":  {files: map[string]string{strings.Repeat("d/", 260) + "x": "x"}, what: "branch x of gitops.git", err: "more than 256 directories"},
		"no list": {before: func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return true
		}, what: "/gitops.git", err: "the repository cannot be read"},
		"no pack": {before: func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				http.Error(w, "down", http.StatusServiceUnavailable)
			}
			return r.Method == http.MethodPost
		}, what: "/gitops.git", err: "branches and tags cannot be fetched"},
	} {
		files := gitopstest.App("checkout")
		files[devOf] = gitopstest.Kustomization("checkout", digest("a"))
		s := gitopstest.Start(t, files)
		if row.files != nil {
			s.Branch("x", "main")
			s.Commit("x", "break it", row.files)
		}
		if row.before != nil {
			s.Before.Store(&row.before)
		}
		d := gitSource(t, s).Look(t.Context(), ago(grace))
		gaps := d.Gaps()
		if len(gaps) == 0 {
			t.Errorf("%s: no gap", name)
			continue
		}
		if g := gaps[0]; g.Organization != row.organization || !strings.Contains(g.What, row.what) || !strings.Contains(g.Err.Error(), row.err) || strings.Contains(fmt.Sprint(g), gitopstest.Password) {
			t.Errorf("%s: %+v", name, g)
		}
		// What can be read is needed all the same, and so is a digest in a file that cannot be rendered.
		if row.before == nil && d.By(digest("a")) != "branch main of gitops.git" || name == "a remote base" && d.By(digest("9")) != "branch x of gitops.git" {
			t.Errorf("%s: a is needed by %q", name, d.By(digest("a")))
		}
	}
}

// What cannot be read of what a branch had leaves everything unknown: it is what a rollback goes back to.
func TestGitGapsOfThePast(t *testing.T) {
	s := gitopstest.Start(t, gitopstest.App("checkout"))
	s.Import(func(w io.Writer) {
		gitopstest.WriteCommit(w, ago(10*day), "x", "", map[string]string{strings.Repeat("d/", 260) + "x": "x"})
		fmt.Fprintf(w, "commit refs/heads/x\ncommitter dev <dev@example.com> %d +0000\ndata 4\nmore\ndeleteall\n", ago(5*day).Unix())
	})
	d := gitSource(t, s).Look(t.Context(), ago(grace))
	if gaps := d.Gaps(); len(gaps) != 1 || gaps[0].Organization != "" || gaps[0].Ignored || !strings.HasSuffix(gaps[0].What, "/gitops.git") || !strings.Contains(gaps[0].Err.Error(), "the history cannot be read") {
		t.Errorf("gaps %+v", gaps)
	}
}
