package install

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kubectl waits in vain, and answers for the rest.
const kubectl = `#!/bin/sh
case "$*" in
"wait "*"--timeout=0s"*) exit 1 ;;
"wait --for=condition=Available"*) echo timed out waiting >&2; exit 1 ;;
"get pods"*"--namespace=somewhere") echo "controller-1 0/1 Pending" ;;
"get events"*"--namespace=somewhere") echo "controller-1 FailedScheduling 1 node(s) had untolerated taint(s)" ;;
esac
`

func TestInstallTellsWhyNothingRuns(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kubectl"), []byte(kubectl), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("KO_DOCKER_REPO", "registry.example.com")
	program := Program{
		Name:        "Something",
		Deployments: map[string][]string{"somewhere": {"controller"}},
		Resolve: func(context.Context) ([]byte, error) {
			return []byte("kind: Namespace\n---\nkind: Deployment\n"), nil
		},
	}
	var told bytes.Buffer
	err := program.Install(t.Context(), &told)
	if err == nil {
		t.Fatal("Install succeeded where nothing ever was available")
	}
	for _, want := range []string{
		"timed out waiting", "controller-1 0/1 Pending", "FailedScheduling 1 node(s) had untolerated taint(s)",
		"kubectl describe pods --namespace=somewhere",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error has no %q:\n%v", want, err)
		}
	}
}
