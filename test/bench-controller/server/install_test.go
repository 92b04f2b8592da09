package server

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Tekton's CRDs are all there, and none asks a webhook that does not run.
func TestDefinitions(t *testing.T) {
	crds, err := definitions(t.Context(), "../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"customruns", "taskruns", "pipelineruns"} {
		if !bytes.Contains(crds, []byte("name: "+name+".tekton.dev\n")) {
			t.Errorf("no CRD is named %s", name)
		}
	}
	if bytes.Contains(crds, []byte("conversionReviewVersions")) {
		t.Error("a CRD converts by a webhook")
	}
}

// All of config is there but for what needs a node.
func TestManifests(t *testing.T) {
	all, err := manifests("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kind: ClusterRole\n", "name: config-leader-election\n", "kind: ValidatingAdmissionPolicy\n"} {
		if !bytes.Contains(all, []byte(want)) {
			t.Errorf("no %q", want)
		}
	}
	if bytes.Contains(all, []byte("kind: Deployment\n")) {
		t.Error("the Deployment is there")
	}
	if _, err := manifests(t.TempDir()); err == nil {
		t.Error("a repository without manifests is taken")
	}
}

// A program that fails says so with the end of its log; one that runs has not ended, and does when it is killed.
func TestProgram(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p, err := start(t.Context(), "/bin/sh", log, []string{"sh", "-c", "for i in 1 2 3; do echo line $i; done; exit 7"})
	if err != nil {
		t.Fatal(err)
	}
	<-p.done
	if err := p.ended(); err == nil || !strings.Contains(err.Error(), "sh ended: exit status 7") || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("ended: %v", err)
	}
	if got := tail(log, 2); got != "line 2\nline 3" {
		t.Errorf("tail %q", got)
	}
	if p, err = start(t.Context(), "/bin/sleep", log, []string{"sleep", "60"}); err != nil {
		t.Fatal(err)
	}
	if err := p.ended(); err != nil {
		t.Errorf("a program that runs: %v", err)
	}
	p.kill()
	if p.ended() == nil {
		t.Error("a program that was killed has not ended")
	}
	if _, err := start(t.Context(), "/does/not/exist", log, []string{"x"}); err == nil {
		t.Error("a program that does not exist was started")
	}
}

// A token is in no file that others can read, and in no two users' hands.
func TestTokens(t *testing.T) {
	s := &Server{dir: t.TempDir(), tokens: map[string]string{}}
	if err := s.writeTokens(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.path("tokens.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if len(s.tokens) != len(groups) || s.tokens[Controller] == s.tokens[Administrator] {
		t.Errorf("%d tokens for %d users, or two are the same", len(s.tokens), len(groups))
	}
	path, err := s.WriteKubeconfig(Controller, "10.77.0.1")
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(kubeconfig, []byte(s.tokens[Controller])) || !bytes.Contains(kubeconfig, []byte("https://10.77.0.1:6443")) {
		t.Error("the kubeconfig has another user or server")
	}
	if s.Config(Tekton).BearerToken != s.tokens[Tekton] {
		t.Error("Config has another user")
	}
}
