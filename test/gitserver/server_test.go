package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

const username, password = "gitlab-bot-payments", "glpat-very+secret-token"

// newServer returns a server that can run, with the system's git.
func newServer(t *testing.T) server {
	t.Helper()
	gitDir, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	// The certificate of httptest is for 127.0.0.1.
	example := httptest.NewTLSServer(http.NotFoundHandler())
	example.Close()
	pair := example.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"tls.crt":  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}),
		"tls.key":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"username": []byte(username), "password": []byte(password),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return server{listen: "127.0.0.1:0", certFile: dir + "/tls.crt", keyFile: dir + "/tls.key", credentialDir: dir,
		storageDir: t.TempDir(), gitDir: strings.TrimSpace(string(gitDir))}
}

// start runs s until the test ends, and returns its address.
func start(t *testing.T, s server) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	lines, log := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- s.run(ctx, log) }()
	line := make([]byte, 200)
	n, err := lines.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	match := regexp.MustCompile(`^gitserver: serving on (127\.0\.0\.1:\d+)\n$`).FindSubmatch(line[:n])
	if match == nil {
		t.Fatalf("first line is %q", line[:n])
	}
	return string(match[1])
}

// client runs git, as nobody in particular, in a clone of its own.
type client struct{ dir, ca string }

func newClient(t *testing.T, s server) client {
	t.Helper()
	c := client{t.TempDir(), s.certFile}
	for _, args := range [][]string{{"init", "-q", "--initial-branch=main"}, {"commit", "-q", "--allow-empty", "-m", "start"}} {
		if out, err := c.git(args...); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return c
}

func (c client) git(args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0", "GIT_SSL_CAINFO="+c.ca,
		"GIT_AUTHOR_NAME=dev", "GIT_AUTHOR_EMAIL=dev@example.com", "GIT_COMMITTER_NAME=dev", "GIT_COMMITTER_EMAIL=dev@example.com")
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestPushMakesTheRepository(t *testing.T) {
	s := newServer(t)
	c, url := newClient(t, s), "https://"+username+":"+password+"@"+start(t, s)+"/gitops.git"
	if out, err := c.git("ls-remote", url); err == nil {
		t.Errorf("there is a repository before the first push: %s", out)
	}
	// All at once: it is made once.
	var group errgroup.Group
	for i := range 8 {
		group.Go(func() error {
			if out, err := c.git("push", "-q", url, fmt.Sprintf("main:refs/heads/branch-%d", i)); err != nil {
				return fmt.Errorf("pushing: %w: %s", err, out)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	head, err := c.git("rev-parse", "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.git("ls-remote", url, "refs/heads/*")
	if err != nil || strings.Count(out, head) != 8 {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := c.git("fetch", "-q", "--depth=1", url, "branch-7"); err != nil {
		t.Errorf("a shallow fetch: %v: %s", err, out)
	}
}

func TestOneUserOnly(t *testing.T) {
	s := newServer(t)
	c, address := newClient(t, s), start(t, s)
	for _, user := range []string{"", username + ":wrong@", "somebody:" + password + "@"} {
		if out, err := c.git("push", "-q", "https://"+user+address+"/gitops.git", "main"); err == nil {
			t.Errorf("user %q pushes: %s", user, out)
		}
	}
	if left, err := os.ReadDir(s.storageDir); err != nil || len(left) > 0 {
		t.Errorf("storage has %v, %v", left, err)
	}
}

func TestOnlyRepositories(t *testing.T) {
	r, err := newServer(t).repositories(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"/healthz": http.StatusOK,
		"/":        http.StatusNotFound,
		"/../secret.git/info/refs?service=git-receive-pack": http.StatusNotFound,
		"/a/b.git/info/refs?service=git-receive-pack":       http.StatusNotFound,
		"/-b.git/info/refs?service=git-receive-pack":        http.StatusNotFound,
		"/none.git/info/refs?service=git-upload-pack":       http.StatusNotFound,
	} {
		request, answer := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
		request.SetBasicAuth(username, password)
		if r.ServeHTTP(answer, request); answer.Code != want {
			t.Errorf("%s: %d, want %d", path, answer.Code, want)
		}
	}
	if left, err := os.ReadDir(r.storageDir); err != nil || len(left) > 0 {
		t.Errorf("storage has %v, %v", left, err)
	}
}

func TestRunSaysWhatItCannotUse(t *testing.T) {
	for want, change := range map[string]func(*server){
		"reading credential":       func(s *server) { s.credentialDir = t.TempDir() },
		`listening on "nowhere"`:   func(s *server) { s.listen = "nowhere" },
		"serving with certificate": func(s *server) { s.keyFile = s.certFile },
	} {
		s, log := newServer(t), new(bytes.Buffer)
		change(&s)
		if err := s.run(t.Context(), log); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error()+log.String(), password) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}
