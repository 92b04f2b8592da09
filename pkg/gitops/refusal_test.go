package gitops_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/overlay"
)

func TestCredential(t *testing.T) {
	f := newFixture(t)
	dir := t.TempDir()
	put := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.opts.Credential = dir
	f.fail("the Git credential cannot be read")
	put("username", gitopstest.Username)
	f.fail("username, and password or token")
	put("token", "")
	f.fail("is not one line")
	put("token", gitopstest.Password+"\nmore")
	f.fail("is not one line")
	put("token", strings.Repeat("x", 5000))
	f.fail("is not one line")
	if f.Requests.Load() > 0 {
		t.Error("the server was asked")
	}
	put("token", "glpat-old")
	f.fail("see whether the token in the Secret is the Git server's")
	f.opts.Credential = ""
	f.fail("the repository cannot be read")
	f.opts.Credential = dir
	put("token", gitopstest.Password+"\r\n") // As a GitLab bot Secret names it, with a line break at the end.
	f.update()
}

// The server sends back what it was sent, but in a request that it refuses.
func TestEchoedCredential(t *testing.T) {
	f := newFixture(t)
	before := func(w http.ResponseWriter, r *http.Request) bool {
		_, pass, _ := r.BasicAuth()
		http.Error(w, "you sent "+pass+", "+r.Header.Get("Authorization"), http.StatusForbidden)
		return true
	}
	f.Before.Store(&before)
	if err := f.fail("you sent …, Basic …"); err != nil && !strings.Contains(err.Error(), "right to push") {
		t.Errorf("error is %v", err)
	}
}

func TestServerRefuses(t *testing.T) {
	f := newFixture(t)
	hook := filepath.Join(f.Dir, "hooks", "pre-receive")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho no >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	f.fail(`the server does not take branch "` + branch + `"`)
	if err := os.Remove(hook); err != nil {
		t.Fatal(err)
	}
	f.opts.TargetBranch = "trunk"
	f.fail(`no branch "trunk"`)
	f.opts.TargetBranch = "main"
	f.opts.Repository = f.HTTP.URL + "/other.git"
	f.fail("see whether --repository is right")
	f.HTTP.Close()
	f.fail("see whether the server is there")
}

func TestTimeoutAndCancel(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(context.Background())
	release := make(chan struct{})
	stand := func(_ http.ResponseWriter, r *http.Request) bool {
		cancel()
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	}
	f.Before.Store(&stand)
	defer close(release)
	if _, err := gitops.Update(ctx, f.opts); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled, the error is %v", err)
	}
	f.opts.Timeout = 50 * time.Millisecond
	if _, err := gitops.Update(context.Background(), f.opts); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "run it again") {
		t.Errorf("after --timeout, the error is %v", err)
	}
}

// What pkg/overlay refuses in a directory, it refuses in a commit.
func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		reason overlay.Reason
		files  map[string]string
	}{
		"no app":        {overlay.ReasonMissing, nil},
		"a link":        {overlay.ReasonSymlink, map[string]string{"apps/payments/other/overlays/dev/kustomization.yaml": "-> ../prd/kustomization.yaml"}},
		"a directory":   {overlay.ReasonSymlink, map[string]string{"apps/payments/other": "-> checkout"}},
		"two documents": {overlay.ReasonMultiDocument, map[string]string{"apps/payments/other/overlays/dev/kustomization.yaml": gitopstest.Kustomization("other", gitopstest.Digest("b")) + "---\n"}},
		"a URL":         {overlay.ReasonRemote, map[string]string{"apps/payments/other/base/kustomization.yaml": "resources: [deployment.yaml, \"https://example.com/x\"]\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			if test.files != nil {
				if _, whole := test.files["apps/payments/other"]; !whole {
					f.Commit("main", "other", gitopstest.App("other"))
				}
				f.Commit("main", name, test.files)
			}
			f.opts.App, f.opts.Image = "other", gitopstest.Image("other")
			err := f.fail("(" + string(test.reason) + ")")
			if refusal := (*overlay.Refusal)(nil); !errors.As(err, &refusal) || refusal.Reason != test.reason || gitops.ExitCode(err) != 1 {
				t.Errorf("error is %v, want the reason %q", err, test.reason)
			}
			if log := f.log.String(); !strings.Contains(log, `"reason":"`+string(test.reason)+`"`) {
				t.Errorf("the log does not tell the reason: %s", log)
			}
		})
	}
}

// A branch that lacks the app says so, and is left as it is.
func TestBranchLacksTheApp(t *testing.T) {
	f := newFixture(t)
	f.Branch(branch, "main")
	head := f.Head(branch)
	f.Commit("main", "one more app", gitopstest.App("refunds"))
	f.opts.App, f.opts.Image = "refunds", gitopstest.Image("refunds")
	f.fail(`on branch "` + branch + `"`)
	if f.Head(branch) != head {
		t.Error("the branch moved")
	}
}

// No team and app leads out of apps/, nor to another environment.
func TestPaths(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"", "..", "checkout/overlays/prd", "checkout/../../payments/checkout", "*"} {
		f.opts.App = name
		f.fail("(path)")
	}
}
