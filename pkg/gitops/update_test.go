package gitops_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/overlay"
)

const (
	overlayPath  = "apps/payments/checkout/overlays/dev/kustomization.yaml"
	sourceCommit = "3f4781f2aa5e0c1b9d8e7f6a5b4c3d2e1f0a9b8c"
	branch       = "ci/dev/3f4781f2"
)

// fixture is a server with the app checkout, and an update of it.
type fixture struct {
	*gitopstest.Server
	t    *testing.T
	opts gitops.Options
	log  *bytes.Buffer
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{Server: gitopstest.Start(t, gitopstest.App("checkout")), t: t, log: &bytes.Buffer{}}
	f.opts = gitops.Options{
		Repository: f.URL(), PlainHTTP: true, Team: "payments", App: "checkout", Image: gitopstest.Image("checkout"), Digest: gitopstest.Digest("a"),
		SourceCommit: sourceCommit, Credential: credentials(t, gitopstest.Password), ResultsDir: t.TempDir(), Workspace: t.TempDir(),
		PipelineRun: "checkout-7x2vq", LogOutput: f.log, LogFormat: "json",
		Now: func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) },
	}
	t.Cleanup(func() { checkNoSecret(t, "the log", f.log.String()) })
	return f
}

// credentials writes a mounted Secret.
func credentials(t *testing.T, password string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"username": gitopstest.Username + "\n", "password": password} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func checkNoSecret(t *testing.T, what, text string) {
	t.Helper()
	for _, secret := range []string{gitopstest.Password, base64.StdEncoding.EncodeToString([]byte(gitopstest.Username + ":" + gitopstest.Password))} {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds the credential: %s", what, text)
		}
	}
}

func (f *fixture) tryUpdate() (gitops.Result, error) {
	return gitops.Update(context.Background(), f.opts)
}

// update must succeed.
func (f *fixture) update() gitops.Result {
	f.t.Helper()
	result, err := f.tryUpdate()
	if err != nil {
		f.t.Fatalf("updating: %v\n%s", err, f.log)
	}
	return result
}

// fail must fail, say want, and leave neither a branch nor a result.
func (f *fixture) fail(want string) error {
	f.t.Helper()
	before := f.Branches()
	main := f.Head("main")
	_, err := gitops.Update(context.Background(), f.opts)
	if err == nil || !strings.Contains(err.Error(), want) {
		f.t.Errorf("error is %v, want it to say %q", err, want)
	}
	if err != nil {
		gitops.LogFailure(f.opts.Logger(), err)
		checkNoSecret(f.t, "the error", err.Error())
	}
	if diff := cmp.Diff(before, f.Branches()); diff != "" || f.Head("main") != main {
		f.t.Errorf("branches (-before +after):\n%s", diff)
	}
	if left, _ := os.ReadDir(f.opts.ResultsDir); len(left) > 0 {
		f.t.Errorf("results were left: %v", left)
	}
	return err
}

func (f *fixture) result(name string) string {
	f.t.Helper()
	data, err := os.ReadFile(filepath.Join(f.opts.ResultsDir, name))
	if err != nil {
		f.t.Error(err)
	}
	return string(data)
}

func TestUpdate(t *testing.T) {
	f := newFixture(t)
	main := f.Head("main")
	got := f.update()
	if want := (gitops.Result{Branch: branch, Commit: f.Head(branch), Changed: true}); got != want || got.Commit == "" {
		t.Errorf("Update = %+v, want %+v", got, want)
	}
	if f.Head("main") != main {
		t.Error("main moved")
	}
	if diff := cmp.Diff(gitopstest.Kustomization("checkout", gitopstest.Digest("a")), f.File(branch, overlayPath)); diff != "" {
		t.Errorf("the overlay (-want +got):\n%s", diff)
	}
	want := "M\t" + overlayPath + "\n"
	if changed := gitopstest.Git(t, f.Dir, "diff", "--name-status", "main", branch); changed != want {
		t.Errorf("the commit changes %q, want %q", changed, want)
	}
	want = "bump: payments/checkout dev @aaaaaaaa\n|quay-push|quay-push@localhost|2026-11-24T12:00:00+00:00|" + main + "\n"
	if said := gitopstest.Git(t, f.Dir, "log", "-1", "--date=iso-strict", "--format=%B|%an|%ae|%cI|%P", branch); said != want {
		t.Errorf("the commit is %q, want %q", said, want)
	}
	for name, want := range map[string]string{"branch": branch, "commit": got.Commit, "changed": "true"} {
		if value := f.result(name); value != want {
			t.Errorf("result %s = %q, want %q", name, value, want)
		}
	}
	gitopstest.Git(t, f.Dir, "fsck", "--strict")
}

func TestUpdateAgainPushesNothing(t *testing.T) {
	f := newFixture(t)
	first := f.update()
	again := f.update()
	if want := (gitops.Result{Branch: branch, Commit: first.Commit}); again != want {
		t.Errorf("the second update = %+v, want %+v", again, want)
	}
	if f.result("changed") != "false" || f.Head(branch) != first.Commit {
		t.Errorf("changed = %q, the branch is at %s", f.result("changed"), f.Head(branch))
	}
	// Merged, and the branch removed.
	gitopstest.Git(t, f.Dir, "update-ref", "refs/heads/main", first.Commit)
	gitopstest.Git(t, f.Dir, "branch", "-q", "-D", branch)
	merged := f.update()
	if want := (gitops.Result{Branch: "main", Commit: first.Commit}); merged != want || f.Head(branch) != "" {
		t.Errorf("after the merge Update = %+v, want %+v, branches %v", merged, want, f.Branches())
	}
}

func TestBranchOfTheDigest(t *testing.T) {
	f := newFixture(t)
	f.opts.SourceCommit = ""
	f.opts.Image, f.opts.Digest = "", ""
	f.opts.OverlayImage = `{"name":"` + gitopstest.Image("checkout") + `","newName":"` + gitopstest.Image("checkout") + `","digest":"` + gitopstest.Digest("b") + `"}`
	if got := f.update(); got.Branch != "ci/dev/bbbbbbbb" || !got.Changed {
		t.Errorf("Update = %+v", got)
	}
}

// A source commit that builds two apps, or one app twice, has one branch with a commit for each.
func TestBranchExists(t *testing.T) {
	f := newFixture(t)
	f.Commit("main", "one more app", gitopstest.App("refunds"))
	first := f.update()
	other := f.opts
	other.App, other.Image, other.Digest = "refunds", gitopstest.Image("refunds"), gitopstest.Digest("b")
	second, err := gitops.Update(context.Background(), other)
	if err != nil {
		t.Fatal(err)
	}
	f.opts.Digest = gitopstest.Digest("c")
	third := f.update()
	want := strings.Join([]string{third.Commit, second.Commit, first.Commit, f.Head("main")}, "\n") + "\n"
	if got := gitopstest.Git(t, f.Dir, "log", "-4", "--format=%H", branch); got != want {
		t.Errorf("the branch has\n%swant\n%s", got, want)
	}
	if got := f.File(branch, overlayPath); got != gitopstest.Kustomization("checkout", gitopstest.Digest("c")) {
		t.Errorf("checkout's overlay is %s", got)
	}
	if got := f.File(branch, strings.ReplaceAll(overlayPath, "checkout", "refunds")); got != gitopstest.Kustomization("refunds", gitopstest.Digest("b")) {
		t.Errorf("refunds' overlay is %s", got)
	}
}

// onceAt calls do before the nth request for a path that ends with suffix.
func (f *fixture) onceAt(suffix string, n int, do func()) {
	var mu sync.Mutex
	before := func(_ http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasSuffix(r.URL.RequestURI(), suffix) {
			if n--; n == 0 {
				do()
			}
		}
		return false
	}
	f.Before.Store(&before)
}

const pushing = "service=git-receive-pack"

// Where main moves between the look and the push, the edit is made again on what main is then.
func TestMainMoves(t *testing.T) {
	f := newFixture(t)
	f.onceAt(pushing, 1, func() {
		f.Commit("main", "a comment", map[string]string{overlayPath: "# new\n" + gitopstest.Kustomization("checkout", overlay.Placeholder)})
	})
	got := f.update()
	if want := "# new\n" + gitopstest.Kustomization("checkout", gitopstest.Digest("a")); f.File(branch, overlayPath) != want || !got.Changed {
		t.Errorf("Update = %+v, the overlay is %s", got, f.File(branch, overlayPath))
	}
	if parent := strings.TrimSpace(gitopstest.Git(t, f.Dir, "log", "-1", "--format=%P", branch)); parent != f.Head("main") {
		t.Errorf("its parent is %s, main is %s", parent, f.Head("main"))
	}
}

func TestMainMovesOn(t *testing.T) {
	f := newFixture(t)
	move := func() {
		f.Commit("main", "more", map[string]string{"README.md": f.Head("main")})
	}
	f.onceAt(pushing, 1, func() {
		move()
		f.onceAt(pushing, 1, move)
	})
	_, err := gitops.Update(context.Background(), f.opts)
	if err == nil || !strings.Contains(err.Error(), "moved twice") {
		t.Errorf("error is %v", err)
	}
	if f.Head(branch) != "" || f.hasResult("branch") {
		t.Errorf("branches are %v", f.Branches())
	}
}

// hasResult reports whether a result exists.
func (f *fixture) hasResult(name string) bool {
	_, err := os.Stat(filepath.Join(f.opts.ResultsDir, name))
	return err == nil
}

// Another run of the same source commit makes the branch between the look and the push.
func TestBranchComesMeanwhile(t *testing.T) {
	for name, theirs := range map[string]string{"the same digest": gitopstest.Digest("a"), "another digest": gitopstest.Digest("b")} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			other := f.opts
			other.Digest, other.ResultsDir, other.LogOutput = theirs, t.TempDir(), nil
			f.onceAt(pushing, 1, func() {
				f.Before.Store(nil)
				if _, err := gitops.Update(context.Background(), other); err != nil {
					t.Error(err)
				}
			})
			got := f.update()
			if got.Changed != (theirs != gitopstest.Digest("a")) || got.Commit != f.Head(branch) {
				t.Errorf("Update = %+v, the branch is at %s", got, f.Head(branch))
			}
			if content := f.File(branch, overlayPath); content != gitopstest.Kustomization("checkout", gitopstest.Digest("a")) {
				t.Errorf("the overlay is %s", content)
			}
		})
	}
}

// The branch was merged or thrown away between the look and the push: what was on it does not come back.
func TestBranchGoesMeanwhile(t *testing.T) {
	f := newFixture(t)
	f.update()
	f.opts.Digest = gitopstest.Digest("b")
	f.onceAt(pushing, 1, func() { gitopstest.Git(t, f.Dir, "branch", "-q", "-D", branch) })
	got := f.update()
	if parent := strings.TrimSpace(gitopstest.Git(t, f.Dir, "log", "-1", "--format=%P", branch)); parent != f.Head("main") || !got.Changed {
		t.Errorf("Update = %+v, its parent is %s, main is %s", got, parent, f.Head("main"))
	}
}
