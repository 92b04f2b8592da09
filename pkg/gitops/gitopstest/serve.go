package gitopstest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Serve makes a repository in dir that has the files, on branch main, and serves it. The caller closes HTTP.
func Serve(dir string, files map[string]string) (*Server, error) {
	s := &Server{Dir: filepath.Join(dir, "gitops.git")}
	execPath, err := run(context.Background(), dir, "--exec-path")
	if err != nil {
		return nil, err
	}
	if _, err := run(context.Background(), dir, "init", "-q", "--bare", "--initial-branch=main", s.Dir); err != nil {
		return nil, err
	}
	if _, err := s.Git(context.Background(), "config", "http.receivepack", "true"); err != nil {
		return nil, err
	}
	if err := s.commit("main", "start", files); err != nil {
		return nil, err
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(execPath), "git-http-backend"), Root: "/",
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
	return s, nil
}

// Git runs git in the bare repository, and returns what it prints without the last line's end.
func (s *Server) Git(ctx context.Context, args ...string) (string, error) {
	out, err := run(ctx, s.Dir, args...)
	return strings.TrimRight(out, "\n"), err
}

// commit is Commit with an error.
func (s *Server) commit(branch, message string, files map[string]string) error {
	work, err := os.MkdirTemp("", "gitopstest-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	steps := [][]string{{"init", "-q", "--initial-branch=" + branch}, {"config", "core.autocrlf", "false"}}
	if exec.Command("git", "-C", s.Dir, "rev-parse", "-q", "--verify", branch).Run() == nil {
		steps = append(steps, []string{"pull", "-q", s.Dir, branch})
	}
	if err := runAll(work, steps); err != nil {
		return err
	}
	for name, content := range files {
		if err := write(filepath.Join(work, name), content); err != nil {
			return err
		}
	}
	return runAll(work, [][]string{{"add", "--all", "."}, {"commit", "-q", "-m", message}, {"push", "-q", s.Dir, "HEAD:refs/heads/" + branch}})
}

// write writes a file; content "-> target" is a symbolic link.
func write(file, content string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if target, ok := strings.CutPrefix(content, "-> "); ok {
		os.Remove(file)
		return os.Symlink(target, file)
	}
	return os.WriteFile(file, []byte(content), 0o644)
}

func runAll(dir string, commands [][]string) error {
	for _, args := range commands {
		if _, err := run(context.Background(), dir, args...); err != nil {
			return err
		}
	}
	return nil
}

// run runs git in a directory, as a user of no configuration.
func run(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=dev", "GIT_AUTHOR_EMAIL=dev@example.com", "GIT_COMMITTER_NAME=dev", "GIT_COMMITTER_EMAIL=dev@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("running git %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
