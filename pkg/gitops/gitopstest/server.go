// Package gitopstest is a GitOps repository for tests: Git's own server program behind HTTP with a password, and apps as the
// overlay contract has them. It needs the git of the system.
package gitopstest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
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

// Start serves a repository that has the files, on branch main, until the test ends.
func Start(t testing.TB, files map[string]string) *Server {
	t.Helper()
	s, err := Serve(t.TempDir(), files)
	if err != nil {
		t.Fatal(err)
	}
	s.t = t
	t.Cleanup(s.HTTP.Close)
	return s
}

// URL is the repository's.
func (s *Server) URL() string { return s.HTTP.URL + "/gitops.git" }

// Commit puts a commit on a branch in which the given files are changed.
func (s *Server) Commit(branch, message string, files map[string]string) {
	s.t.Helper()
	if err := s.commit(branch, message, files); err != nil {
		s.t.Fatal(err)
	}
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
	out, err := run(context.Background(), dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
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
