//go:build e2e

package e2e

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// installDefinition applies External Secrets' CRD of a resource, at the version that the design names, if the cluster has none.
func installDefinition(t *testing.T, ctx context.Context, resource string) {
	t.Helper()
	const module = "github.com/external-secrets/external-secrets@v1.3.2"
	crd := "crd/" + resource + ".external-secrets.io"
	if exec.CommandContext(ctx, "kubectl", "get", crd).Run() == nil {
		return
	}
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", module).Output()
	if err != nil {
		t.Fatalf("downloading %s: %v", module, err)
	}
	_, rest, _ := strings.Cut(string(out), `"Dir": "`)
	dir, _, _ := strings.Cut(rest, `"`)
	file := filepath.Join(dir, "config", "crds", "bases", "external-secrets.io_"+resource+".yaml")
	if out, err := exec.CommandContext(ctx, "kubectl", "apply", "--server-side", "--filename="+file).CombinedOutput(); err != nil {
		t.Fatalf("applying %s: %v\n%s", crd, err, out)
	}
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	// kubectl wait fails at once on a CRD whose conditions are still null, as they are in its first milliseconds.
	waitUntil(t, ctx, crd+" to be established", func() bool {
		return exec.CommandContext(ctx, "kubectl", "wait", "--for=condition=Established", crd, "--timeout=10s").Run() == nil
	})
}
