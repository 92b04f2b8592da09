//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/test/docs"
	"github.com/comptech-lab/quay-push/test/stage"
)

// A person who follows the page gets from nothing to a digest, and sees what the page says.
func TestQuickstart(t *testing.T) {
	ctx := within(t, 10*time.Minute)
	forget(t, ctx, "payments-quickstart")
	runPage(t, ctx, "quickstart.md", 1)
	// Whoever has a shared namespace already, keeps it.
	if n, err := s.Kube.CoreV1().Namespaces().Get(ctx, stage.SharedNamespace, metav1.GetOptions{}); err != nil || n.Labels[v1alpha1.LabelGuarded] != "true" {
		t.Errorf("%s has labels %v, %v", stage.SharedNamespace, n.Labels, err)
	}
}

// A shared namespace that is made by the page alone lets its team push, and no other.
func TestSharedNamespacePage(t *testing.T) {
	ctx := within(t, 10*time.Minute)
	forget(t, ctx, "shared-pipelines", "payments-ci")
	t.Cleanup(func() {
		patch := []byte(`{"data":{"shared-namespaces":null}}`)
		if _, err := s.Kube.CoreV1().ConfigMaps(system).Patch(within(t, time.Minute), config.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Error(err)
		}
	})
	runPage(t, ctx, "shared-namespace.md", 1)
}

// runPage runs the blocks of docs/page in order in a clone, as runPageIn does, with the stage's Quay.
func runPage(t *testing.T, ctx context.Context, page string, values int) {
	t.Helper()
	dir := t.TempDir()
	runPageIn(t, ctx, "../..", page, values, "KO_DEFAULTPLATFORMS=linux/"+runtime.GOARCH, "QUAY="+s.Quay.Host,
		"ROBOT_FILE="+writeFile(t, dir, "auth.json", s.Quay.Dockerconfig(stage.Payments.Team)), "CA_FILE="+writeFile(t, dir, "ca.crt", s.Quay.CA))
}

// runPageIn runs the blocks of docs/page in order in a directory, as the reader does, and compares what each prints with the block of text
// that follows it. values of them export what is the reader's own: the stage has its own values for those, which are in the environment.
func runPageIn(t *testing.T, ctx context.Context, dir, page string, values int, environment ...string) {
	t.Helper()
	blocks, err := docs.Read("../../docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), environment...)
	for i, block := range blocks {
		switch {
		case block.Language != "sh":
		case exports.MatchString(block.Text):
			values--
		default:
			printed := runBlockIn(t, ctx, dir, env, block)
			if i+1 < len(blocks) && blocks[i+1].Language == "text" {
				if diff := cmp.Diff(varies(blocks[i+1].Text), varies(printed)); diff != "" {
					t.Errorf("%s prints (-page +cluster):\n%s\n%s", block, diff, printed)
				}
			}
		}
	}
	if values != 0 {
		t.Errorf("%s has %d blocks of exports more than the test knows", page, -values)
	}
}

// exports matches a block that exports values and does nothing else.
var exports = regexp.MustCompile(`\A(export \w+=.*\n)+\z`)

// runBlock runs the block as the reader does, in the repository's top directory, and returns what it prints.
func runBlock(t *testing.T, ctx context.Context, env []string, block docs.Block) string {
	t.Helper()
	return runBlockIn(t, ctx, "../..", env, block)
}

func runBlockIn(t *testing.T, ctx context.Context, dir string, env []string, block docs.Block) string {
	t.Helper()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", block.Text)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", block, err, &stdout, &stderr)
	}
	return stdout.String()
}

// varies replaces what is another in every cluster and every build.
func varies(text string) string {
	text = strings.ReplaceAll(text, s.Quay.Host, "quay.example.com")
	text = regexp.MustCompile(`sha256:[0-9a-f]{64}`).ReplaceAllString(text, "sha256:…")
	return regexp.MustCompile(`(?m)^Waiting for deployment .*\n| +$`).ReplaceAllString(text, "")
}

func writeFile(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// forget deletes namespaces of an earlier run, and those of this one at its end.
func forget(t *testing.T, ctx context.Context, namespaces ...string) {
	t.Helper()
	remove := func(ctx context.Context) {
		args := append([]string{"delete", "namespace", "--ignore-not-found"}, namespaces...)
		if out, err := exec.CommandContext(ctx, "kubectl", args...).CombinedOutput(); err != nil {
			t.Errorf("deleting namespaces %q: %v\n%s", namespaces, err, out)
		}
	}
	remove(ctx)
	t.Cleanup(func() { remove(within(t, 2*time.Minute)) })
}
