package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// repositories are the bare repositories of the storage directory, for one user.
type repositories struct {
	server
	username, password string
	backend            http.Handler
	creating           sync.Mutex
}

// pathPattern is what a request's path may be: a repository is a directory of its own, right in the storage directory.
var pathPattern = regexp.MustCompile(`^/([a-z0-9][a-z0-9-]*\.git)/[a-z/-]+$`)

// repositories reads the user's credential. What git has to say goes to log.
func (s server) repositories(log io.Writer) (*repositories, error) {
	r := &repositories{server: s}
	for name, value := range map[string]*string{"username": &r.username, "password": &r.password} {
		data, err := os.ReadFile(filepath.Join(s.credentialDir, name))
		if err != nil || len(data) == 0 {
			return nil, fmt.Errorf("reading credential: %q is empty or missing: %v", name, err)
		}
		*value = string(data)
	}
	r.backend = &cgi.Handler{
		Path: filepath.Join(s.gitDir, "git-http-backend"), Root: "/", Dir: s.storageDir, Stderr: log,
		// With a user git takes pushes too.
		Env: []string{"GIT_PROJECT_ROOT=" + s.storageDir, "GIT_HTTP_EXPORT_ALL=1", "GIT_EXEC_PATH=" + s.gitDir, "REMOTE_USER=" + r.username},
	}
	return r, nil
}

// ServeHTTP answers Git's smart HTTP protocol below /<name>.git/, and the health check.
func (r *repositories) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.URL.Path == "/healthz" {
		return
	}
	if user, password, _ := request.BasicAuth(); user != r.username || password != r.password {
		w.Header().Set("WWW-Authenticate", "Basic")
		// As careless servers do: a client must keep it out of its log all the same.
		http.Error(w, "no user "+user+" with "+password+" ("+request.Header.Get("Authorization")+")", http.StatusUnauthorized)
		return
	}
	match := pathPattern.FindStringSubmatch(request.URL.Path)
	if match == nil {
		http.NotFound(w, request)
		return
	}
	if strings.HasSuffix(request.URL.Path, "/git-receive-pack") || request.URL.Query().Get("service") == "git-receive-pack" {
		if err := r.create(match[1]); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	r.backend.ServeHTTP(w, request)
}

// create makes the repository name unless it is there.
func (r *repositories) create(name string) error {
	r.creating.Lock()
	defer r.creating.Unlock()
	dir := filepath.Join(r.storageDir, name)
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	out, err := exec.Command(filepath.Join(r.gitDir, "git"), "init", "--quiet", "--bare", "--template=", "--initial-branch=main", dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("creating repository %q: %w: %s", name, err, out)
	}
	return nil
}
