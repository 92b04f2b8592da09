package gitops_test

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// The user of every test server.
const (
	username = "gitlab-bot-payments"
	password = "glpat-very+secret/token"
)

// gitServer is Git's own server program for one bare repository, behind HTTP with a password.
type gitServer struct {
	t    *testing.T
	dir  string // of the bare repository
	http *httptest.Server
	// before is called before each request, under no lock; it may answer and return true.
	before atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
	mu     sync.Mutex
	seen   []string // method, path and query
}

// newGitServer starts a server whose repository has the files, on branch main.
func newGitServer(t *testing.T, files map[string]string) *gitServer {
	t.Helper()
	s := &gitServer{t: t, dir: filepath.Join(t.TempDir(), "gitops.git")}
	execPath := strings.TrimSpace(git(t, ".", "--exec-path"))
	git(t, ".", "init", "-q", "--bare", "--initial-branch=main", s.dir)
	git(t, s.dir, "config", "http.receivepack", "true")
	s.commit("main", "start", files)
	backend := &cgi.Handler{
		Path: filepath.Join(execPath, "git-http-backend"), Root: "/",
		Env:    []string{"GIT_PROJECT_ROOT=" + filepath.Dir(s.dir), "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=" + username},
		Stderr: os.Stderr,
	}
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r.Method+" "+r.URL.RequestURI())
		s.mu.Unlock()
		if user, pass, _ := r.BasicAuth(); user != username || pass != password {
			w.Header().Set("WWW-Authenticate", "Basic")
			// As careless servers do.
			http.Error(w, "no user "+user+" with "+pass+" ("+r.Header.Get("Authorization")+")", http.StatusUnauthorized)
			return
		}
		if before := s.before.Load(); before != nil && (*before)(w, r) {
			return
		}
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(s.http.Close)
	return s
}

// url is the repository's.
func (s *gitServer) url() string { return s.http.URL + "/gitops.git" }

// commit puts a commit on a branch in which the given files are changed.
func (s *gitServer) commit(branch, message string, files map[string]string) {
	s.t.Helper()
	work := s.t.TempDir()
	git(s.t, work, "init", "-q", "--initial-branch="+branch)
	git(s.t, work, "config", "core.autocrlf", "false")
	if exec.Command("git", "-C", s.dir, "rev-parse", "-q", "--verify", branch).Run() == nil {
		git(s.t, work, "pull", "-q", s.dir, branch)
	}
	for name, content := range files {
		file := filepath.Join(work, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			s.t.Fatal(err)
		}
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			os.Remove(file)
			if err := os.Symlink(target, file); err != nil {
				s.t.Fatal(err)
			}
		} else if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	git(s.t, work, "add", "--all", ".")
	git(s.t, work, "commit", "-q", "-m", message)
	git(s.t, work, "push", "-q", s.dir, "HEAD:refs/heads/"+branch)
}

// branch makes a branch at another one's head.
func (s *gitServer) branch(name, at string) { s.t.Helper(); git(s.t, s.dir, "branch", name, at) }

// head is a branch's commit; empty for none.
func (s *gitServer) head(branch string) string {
	out, _ := exec.Command("git", "-C", s.dir, "rev-parse", "-q", "--verify", "refs/heads/"+branch).Output()
	return strings.TrimSpace(string(out))
}

// file is the content of a file on a branch.
func (s *gitServer) file(branch, name string) string {
	s.t.Helper()
	return git(s.t, s.dir, "show", branch+":"+name)
}

// branches lists all branches.
func (s *gitServer) branches() []string {
	s.t.Helper()
	return strings.Fields(git(s.t, s.dir, "for-each-ref", "--format=%(refname:short)", "refs/heads"))
}

// git runs git in a directory, as a user of no configuration.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=dev", "GIT_AUTHOR_EMAIL=dev@example.com", "GIT_COMMITTER_NAME=dev", "GIT_COMMITTER_EMAIL=dev@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// image is the image of an app.
func image(app string) string { return "quay.example.com/team-payments/" + app }

// digest returns a digest, a different one for each letter.
func digest(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

// kustomization is an overlay as the contract has it.
func kustomization(app, digest string) string {
	return "# " + app + "\r\nresources:\n  - ../../base\n\nimages:\n  - name: " + image(app) + "\n    newName: " + image(app) +
		"\n    digest: " + digest + "  # CI\n"
}

// app is the files of an app.
func app(name string) map[string]string {
	files := map[string]string{
		"apps/payments/" + name + "/base/kustomization.yaml": "resources: [deployment.yaml]\n",
		"apps/payments/" + name + "/base/deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name +
			"}\nspec: {template: {spec: {containers: [{name: app, image: \"" + image(name) + ":placeholder\"}]}}}\n",
	}
	for _, env := range overlay.Environments {
		files[overlay.Overlay{Team: "payments", App: name, Env: env}.Path()] = kustomization(name, overlay.Placeholder)
	}
	return files
}
