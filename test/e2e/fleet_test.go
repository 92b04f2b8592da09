//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/vault/vaulttest"
	"github.com/comptech-lab/quay-push/test/docs"
)

// fleet is a platform that follows docs/fleet.md.
type fleet struct {
	*platform
	// dir is where the reader is, with its files.
	dir string
}

// openFleet has both teams onboarded. All is gone when the test ends.
func openFleet(t *testing.T, ctx context.Context) *fleet {
	t.Helper()
	f := &fleet{platform: newPlatform(t, ctx), dir: t.TempDir()}
	writeFile(t, f.dir, "quay-token", []byte(s.Quay.OAuthToken()))
	writeFile(t, f.dir, "quay-ca.crt", s.Quay.CA)
	for _, team := range teams {
		f.onboard(ctx, team)
	}
	for _, team := range teams {
		f.eventually(ctx, "verify", team)
	}
	return f
}

// page returns the block of docs/fleet.md that begins so.
func (f *fleet) page(begins string) string {
	f.Helper()
	blocks, err := docs.Read("../../docs/fleet.md")
	if err != nil {
		f.Fatal(err)
	}
	for _, block := range blocks {
		if strings.HasPrefix(block.Text, begins) {
			return block.Text
		}
	}
	f.Fatalf("the page has no block that begins with %q", begins)
	return ""
}

// follow does what a reader of the page does, line by line, and returns what the commands print. The page's Vault is this one's.
func (f *fleet) follow(ctx context.Context, lines string) (printed string) {
	f.Helper()
	lines = strings.ReplaceAll(lines, "https://vault.example.com:8200", f.vault.Inside)
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		words := strings.Fields(line)
		switch words[0] {
		case "tkn":
			for i, word := range words {
				if i > 0 && words[i-1] == "--output-dir" {
					words[i] = filepath.Join(f.dir, word)
				}
			}
			printed += f.tool(ctx, cli.ExitOK, words[2:]...)
		case "vault":
			vaulttest.Server{Address: f.vault.Address, Token: f.vault.Token}.Run(f.T, f.dir, line)
		case "cd":
			f.dir = filepath.Join(f.dir, words[1])
		default:
			dir := f.dir
			if strings.Contains(line, "config/fleet/") {
				dir = checkout
			}
			printed += f.run(ctx, dir, line)
		}
	}
	return printed
}

// checkout is where ko runs.
const checkout = "../.."

// run runs one line in a directory, and returns what it prints.
func (f *fleet) run(ctx context.Context, dir, line string) string {
	f.Helper()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", line)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "KO_DEFAULTPLATFORMS=linux/"+runtime.GOARCH)
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// switchOn follows the page until both CronJobs stand and External Secrets has read the OAuth token, as the store's account. All is switched
// off again when the test ends, as the page says.
func (f *fleet) switchOn(ctx context.Context) {
	f.Helper()
	f.Cleanup(func() {
		clean := within(f.T, 2*time.Minute)
		f.follow(clean, f.page("kubectl delete --ignore-not-found -f config/fleet/"))
		f.follow(clean, "kubectl delete --ignore-not-found -f fleet/\n"+
			"kubectl delete --ignore-not-found --namespace quay-push configmap/config-trusted-cabundle")
	})
	f.follow(ctx, "vault kv put -mount=secret platform/quay-push/quay-token token=@quay-token")
	f.follow(ctx, f.page("tkn quay onboard fleet"))
	f.follow(ctx, f.page("ko apply -f config/fleet/"))
	// Their hour may come while the test runs.
	f.follow(ctx, f.page("kubectl patch cronjob fleet-verify"))
	waitUntil(f.T, ctx, "External Secrets has read the OAuth token", func() bool {
		found, err := s.Kube.CoreV1().Secrets(system).Get(ctx, onboard.FleetToken, metav1.GetOptions{})
		return err == nil && string(found.Data["token"]) == s.Quay.OAuthToken()
	})
}
