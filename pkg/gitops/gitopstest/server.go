// Package gitopstest is a GitOps repository for tests: Git's own server program behind HTTP with a password, and apps as the
// overlay contract has them. It needs the git of the system.
package gitopstest

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// The user of every server.
const (
	Username = "gitlab-bot-payments"
	Password = "glpat-very+secret/token"
)

// Server is Git's own server program for one bare repository, behind HTTP with a password.
type Server struct {
	// Dir is the bare repository, HTTP what serves it.
	Dir  string
	HTTP *httptest.Server
	// Before is called before each request that has the password; it may answer, and return true then.
	Before atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
	// Requests counts the requests.
	Requests atomic.Int32

	t testing.TB
}

// Start starts a server whose repository has the files, on branch main.
func Start(t testing.TB, files map[string]string) *Server {
	t.Helper()
	s := &Server{t: t, Dir: filepath.Join(t.TempDir(), "gitops.git")}
	execPath := strings.TrimSpace(Git(t, ".", "--exec-path"))
	Git(t, ".", "init", "-q", "--bare", "--initial-branch=main", s.Dir)
	Git(t, s.Dir, "config", "http.receivepack", "true")
	s.Commit("main", "start", files)
	backend := &cgi.Handler{
		Path: filepath.Join(execPath, "git-http-backend"), Root: "/",
		Env:    []string{"GIT_PROJECT_ROOT=" + filepath.Dir(s.Dir), "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=" + Username},
		Stderr: os.Stderr,
	}
	s.HTTP = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Requests.Add(1)
		if user, pass, _ := r.BasicAuth(); user != Username || pass != Password {
			w.Header().Set("WWW-Authenticate", "Basic")
			// As careless servers do.
			http.Error(w, "no user "+user+" with "+pass+" ("+r.Header.Get("Authorization")+")", http.StatusUnauthorized)
			return
		}
		if before := s.Before.Load(); before != nil && (*before)(w, r) {
			return
		}
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(s.HTTP.Close)
	return s
}

// URL is the repository's.
func (s *Server) URL() string { return s.HTTP.URL + "/gitops.git" }

// Commit puts a commit on a branch in which the given files are changed.
func (s *Server) Commit(branch, message string, files map[string]string) {
	s.t.Helper()
	work := s.t.TempDir()
	Git(s.t, work, "init", "-q", "--initial-branch="+branch)
	Git(s.t, work, "config", "core.autocrlf", "false")
	if exec.Command("git", "-C", s.Dir, "rev-parse", "-q", "--verify", branch).Run() == nil {
		Git(s.t, work, "pull", "-q", s.Dir, branch)
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
	Git(s.t, work, "add", "--all", ".")
	Git(s.t, work, "commit", "-q", "-m", message)
	Git(s.t, work, "push", "-q", s.Dir, "HEAD:refs/heads/"+branch)
}

// Branch makes a branch at another one's head.
func (s *Server) Branch(name, at string) { s.t.Helper(); Git(s.t, s.Dir, "branch", name, at) }

// Head is a branch's commit; empty for none.
func (s *Server) Head(branch string) string {
	out, _ := exec.Command("git", "-C", s.Dir, "rev-parse", "-q", "--verify", "refs/heads/"+branch).Output()
	return strings.TrimSpace(string(out))
}

// File is the content of a file on a branch.
func (s *Server) File(branch, name string) string {
	s.t.Helper()
	return Git(s.t, s.Dir, "show", branch+":"+name)
}

// Branches lists all branches.
func (s *Server) Branches() []string {
	s.t.Helper()
	return strings.Fields(Git(s.t, s.Dir, "for-each-ref", "--format=%(refname:short)", "refs/heads"))
}

// Git runs git in a directory, as a user of no configuration.
func Git(t testing.TB, dir string, args ...string) string {
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

// Image is the image of an app.
func Image(app string) string { return "quay.example.com/team-payments/" + app }

// Digest returns a digest, a different one for each letter.
func Digest(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

// Kustomization is an overlay as the contract has it.
func Kustomization(app, digest string) string {
	return "# " + app + "\r\nresources:\n  - ../../base\n\nimages:\n  - name: " + Image(app) + "\n    newName: " + Image(app) +
		"\n    digest: " + digest + "  # CI\n"
}

// App is the files of an app.
func App(name string) map[string]string {
	files := map[string]string{
		"apps/payments/" + name + "/base/kustomization.yaml": "resources: [deployment.yaml]\n",
		"apps/payments/" + name + "/base/deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name +
			"}\nspec: {template: {spec: {containers: [{name: app, image: \"" + Image(name) + ":placeholder\"}]}}}\n",
	}
	for _, env := range overlay.Environments {
		files[overlay.Overlay{Team: "payments", App: name, Env: env}.Path()] = Kustomization(name, overlay.Placeholder)
	}
	return files
}
