package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"update-overlay": main, "measure": measure})
}

// Each script runs the program against a repository of its own: $REPOSITORY with the app payments/checkout, and its bare
// directory $GIT_DIR; the credential is in secret.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(env *testscript.Env) error {
		server := gitopstest.Start(env.T().(testing.TB), gitopstest.App("checkout"))
		env.Setenv("REPOSITORY", server.URL())
		env.Setenv("GIT_DIR", server.Dir)
		env.Setenv("IMAGE", gitopstest.Image("checkout"))
		env.Setenv("DIGEST", gitopstest.Digest("a"))
		env.Setenv("PASSWORD", gitopstest.Password)
		secret := filepath.Join(env.WorkDir, "secret")
		if err := os.Mkdir(secret, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(secret, "username"), []byte(gitopstest.Username), 0o600); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(secret, "token"), []byte(gitopstest.Password), 0o600)
	}})
}

// The step's image needs no cluster's client, nor what only tests need.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		for _, banned := range []string{"k8s.io/api", "k8s.io/client-go", "knative.dev/", "github.com/tektoncd/", "github.com/spf13/", "testing"} {
			if strings.HasPrefix(dep, banned) {
				t.Errorf("update-overlay depends on %s", dep)
			}
		}
	}
}
