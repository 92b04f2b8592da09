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
	"github.com/comptech-lab/quay-push/pkg/overlay"
)

const (
	overlayPath  = "apps/payments/checkout/overlays/dev/kustomization.yaml"
	sourceCommit = "3f4781f2aa5e0c1b9d8e7f6a5b4c3d2e1f0a9b8c"
	branch       = "ci/dev/3f4781f2"
)

// fixture is a server with the app checkout, and an update of it.
type fixture struct {
	*gitServer
	opts gitops.Options
	log  *bytes.Buffer
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{gitServer: newGitServer(t, app("checkout")), log: &bytes.Buffer{}}
	f.opts = gitops.Options{
		Repository: f.url(), PlainHTTP: true, Team: "payments", App: "checkout", Image: image("checkout"), Digest: digest("a"),
		SourceCommit: sourceCommit, Credential: credentials(t, password), ResultsDir: t.TempDir(), Workspace: t.TempDir(),
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
	for name, content := range map[string]string{"username": username + "\n", "password": password} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func checkNoSecret(t *testing.T, what, text string) {
	t.Helper()
	for _, secret := range []string{password, base64.StdEncoding.EncodeToString([]byte(username + ":" + password))} {
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
	before := f.branches()
	main := f.head("main")
	_, err := gitops.Update(context.Background(), f.opts)
	if err == nil || !strings.Contains(err.Error(), want) {
		f.t.Errorf("error is %v, want it to say %q", err, want)
	}
	if err != nil {
		gitops.LogFailure(f.opts.Logger(), err)
		checkNoSecret(f.t, "the error", err.Error())
	}
	if diff := cmp.Diff(before, f.branches()); diff != "" || f.head("main") != main {
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
	main := f.head("main")
	got := f.update()
	if want := (gitops.Result{Branch: branch, Commit: f.head(branch), Changed: true}); got != want || got.Commit == "" {
		t.Errorf("Update = %+v, want %+v", got, want)
	}
	if f.head("main") != main {
		t.Error("main moved")
	}
	if diff := cmp.Diff(kustomization("checkout", digest("a")), f.file(branch, overlayPath)); diff != "" {
		t.Errorf("the overlay (-want +got):\n%s", diff)
	}
	want := "M\t" + overlayPath + "\n"
	if changed := git(t, f.dir, "diff", "--name-status", "main", branch); changed != want {
		t.Errorf("the commit changes %q, want %q", changed, want)
	}
	want = "bump: payments/checkout dev @aaaaaaaa\n|quay-push|quay-push@localhost|2026-11-24T12:00:00+00:00|" + main + "\n"
	if said := git(t, f.dir, "log", "-1", "--date=iso-strict", "--format=%B|%an|%ae|%cI|%P", branch); said != want {
		t.Errorf("the commit is %q, want %q", said, want)
	}
	for name, want := range map[string]string{"branch": branch, "commit": got.Commit, "changed": "true"} {
		if value := f.result(name); value != want {
			t.Errorf("result %s = %q, want %q", name, value, want)
		}
	}
	git(t, f.dir, "fsck", "--strict")
}

func TestUpdateAgainPushesNothing(t *testing.T) {
	f := newFixture(t)
	first := f.update()
	again := f.update()
	if want := (gitops.Result{Branch: branch, Commit: first.Commit}); again != want {
		t.Errorf("the second update = %+v, want %+v", again, want)
	}
	if f.result("changed") != "false" || f.head(branch) != first.Commit {
		t.Errorf("changed = %q, the branch is at %s", f.result("changed"), f.head(branch))
	}
	// Merged, and the branch removed.
	git(t, f.dir, "update-ref", "refs/heads/main", first.Commit)
	git(t, f.dir, "branch", "-q", "-D", branch)
	merged := f.update()
	if want := (gitops.Result{Branch: "main", Commit: first.Commit}); merged != want || f.head(branch) != "" {
		t.Errorf("after the merge Update = %+v, want %+v, branches %v", merged, want, f.branches())
	}
}

func TestBranchOfTheDigest(t *testing.T) {
	f := newFixture(t)
	f.opts.SourceCommit = ""
	f.opts.Image, f.opts.Digest = "", ""
	f.opts.OverlayImage = `{"name":"` + image("checkout") + `","newName":"` + image("checkout") + `","digest":"` + digest("b") + `"}`
	if got := f.update(); got.Branch != "ci/dev/bbbbbbbb" || !got.Changed {
		t.Errorf("Update = %+v", got)
	}
}

// A source commit that builds two apps, or one app twice, has one branch with a commit for each.
func TestBranchExists(t *testing.T) {
	f := newFixture(t)
	f.commit("main", "one more app", app("refunds"))
	first := f.update()
	other := f.opts
	other.App, other.Image, other.Digest = "refunds", image("refunds"), digest("b")
	second, err := gitops.Update(context.Background(), other)
	if err != nil {
		t.Fatal(err)
	}
	f.opts.Digest = digest("c")
	third := f.update()
	want := strings.Join([]string{third.Commit, second.Commit, first.Commit, f.head("main")}, "\n") + "\n"
	if got := git(t, f.dir, "log", "-4", "--format=%H", branch); got != want {
		t.Errorf("the branch has\n%swant\n%s", got, want)
	}
	if got := f.file(branch, overlayPath); got != kustomization("checkout", digest("c")) {
		t.Errorf("checkout's overlay is %s", got)
	}
	if got := f.file(branch, strings.ReplaceAll(overlayPath, "checkout", "refunds")); got != kustomization("refunds", digest("b")) {
		t.Errorf("refunds' overlay is %s", got)
	}
}

// onceAt calls do before the nth request for a path that ends with suffix.
func (s *gitServer) onceAt(suffix string, n int, do func()) {
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
	s.before.Store(&before)
}

const pushing = "service=git-receive-pack"

// Where main moves between the look and the push, the edit is made again on what main is then.
func TestMainMoves(t *testing.T) {
	f := newFixture(t)
	f.onceAt(pushing, 1, func() {
		f.commit("main", "a comment", map[string]string{overlayPath: "# new\n" + kustomization("checkout", overlay.Placeholder)})
	})
	got := f.update()
	if want := "# new\n" + kustomization("checkout", digest("a")); f.file(branch, overlayPath) != want || !got.Changed {
		t.Errorf("Update = %+v, the overlay is %s", got, f.file(branch, overlayPath))
	}
	if parent := strings.TrimSpace(git(t, f.dir, "log", "-1", "--format=%P", branch)); parent != f.head("main") {
		t.Errorf("its parent is %s, main is %s", parent, f.head("main"))
	}
}

func TestMainMovesOn(t *testing.T) {
	f := newFixture(t)
	move := func() {
		f.commit("main", "more", map[string]string{"README.md": f.head("main")})
	}
	f.onceAt(pushing, 1, func() {
		move()
		f.onceAt(pushing, 1, move)
	})
	_, err := gitops.Update(context.Background(), f.opts)
	if err == nil || !strings.Contains(err.Error(), "moved twice") {
		t.Errorf("error is %v", err)
	}
	if f.head(branch) != "" || f.hasResult("branch") {
		t.Errorf("branches are %v", f.branches())
	}
}

// hasResult says whether a result exists.
func (f *fixture) hasResult(name string) bool {
	_, err := os.Stat(filepath.Join(f.opts.ResultsDir, name))
	return err == nil
}

// Another run of the same source commit makes the branch between the look and the push.
func TestBranchComesMeanwhile(t *testing.T) {
	for name, theirs := range map[string]string{"the same digest": digest("a"), "another digest": digest("b")} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			other := f.opts
			other.Digest, other.ResultsDir, other.LogOutput = theirs, t.TempDir(), nil
			f.onceAt(pushing, 1, func() {
				f.before.Store(nil)
				if _, err := gitops.Update(context.Background(), other); err != nil {
					t.Error(err)
				}
			})
			got := f.update()
			if got.Changed != (theirs != digest("a")) || got.Commit != f.head(branch) {
				t.Errorf("Update = %+v, the branch is at %s", got, f.head(branch))
			}
			if content := f.file(branch, overlayPath); content != kustomization("checkout", digest("a")) {
				t.Errorf("the overlay is %s", content)
			}
		})
	}
}
