//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/test/stage"
)

// players are the namespaces of the tutorial, which are the stage's.
var players = []string{"quay", "openshift-pipelines", stage.Payments.Namespace, stage.Platform.Namespace}

// A stranger who has the files of a release and no clone follows the page, on a cluster with Tekton and nothing of ours, and sees what the page
// says. Docker does not run here, and Tekton is there.
func TestTutorial(t *testing.T) {
	ctx := within(t, 10*time.Minute)
	keepParams(t, ctx)
	begin, r, made := time.Now(), release{dir: t.TempDir()}, make(chan error, 1)
	go func() { made <- r.make(ctx) }()
	t.Cleanup(func() {
		ctx := within(t, 6*time.Minute)
		forgetAll(t, ctx)
		if err := s.Install(ctx); err != nil {
			t.Fatalf("installing it again: %v", err)
		}
		t.Logf("the stage is there again after %.0f s", time.Since(begin).Seconds())
	})
	forgetAll(t, ctx)
	t.Logf("the cluster knows nothing after %.0f s", time.Since(begin).Seconds())
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	t.Logf("there is a release after %.0f s", time.Since(begin).Seconds())

	dir := t.TempDir()
	path := standIns(t, map[string]string{"kind": "", "kubectl": `case "$*" in
*https://infra.tekton.dev/*) ;;
*) exec KUBECTL "$@" ;;
esac`})
	start := time.Now()
	runPageIn(t, ctx, dir, "tutorial.md", 1, "PATH="+path+":"+os.Getenv("PATH"),
		// The public key comes another way.
		"KEY="+filepath.Join(r.dir, "cosign.pub"), "RELEASE=file://"+r.dist(), "TOOL=tkn-quay_"+tutorialVersion+"_linux_"+runtime.GOARCH+".tar.gz")
	t.Logf("a stranger's ten minutes took %.0f s", time.Since(start).Seconds())
	for _, team := range []string{stage.Payments.Team, stage.Platform.Team} {
		token, err := os.ReadFile(filepath.Join(dir, team+".token"))
		if err != nil {
			t.Fatal(err)
		}
		transcript.mustNotHave(strings.TrimSpace(string(token)))
	}
	if out, err := exec.CommandContext(ctx, "kubectl", append([]string{"get", "namespaces", "quay-push", "--ignore-not-found"}, players...)...).Output(); err != nil || len(out) > 0 {
		t.Errorf("after the page there is\n%s%v", out, err)
	}
}

// tutorialVersion is the one that the page downloads.
const tutorialVersion = "v0.2.0"

// release is one of the commit that is checked out, for this machine alone.
type release struct{ dir string }

func (r release) dist() string { return filepath.Join(r.dir, "clone", "dist") }

// make makes it, as make release does, with a key of its own.
func (r release) make(ctx context.Context) error {
	clone, registry := filepath.Join(r.dir, "clone"), os.Getenv("KO_DOCKER_REPO")+"/tutorial"
	for _, command := range [][]string{
		{r.dir, "cosign", "generate-key-pair"},
		{"../..", "git", "clone", "--quiet", ".", clone},
		{clone, "go", "run", "./release", "-version", tutorialVersion, "-registry", registry, "-key", filepath.Join(r.dir, "cosign.key"),
			"-base", os.Getenv("KO_DEFAULTBASEIMAGE"), "-platforms", "linux/" + runtime.GOARCH},
	} {
		cmd := exec.CommandContext(ctx, command[1], command[2:]...)
		cmd.Dir, cmd.Env = command[0], append(os.Environ(), "COSIGN_PASSWORD=")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("running %q: %w\n%s", command[1:], err, out)
		}
	}
	return nil
}

// forgetAll takes everything of ours off the cluster but the Git server: then it knows nothing.
func forgetAll(t *testing.T, ctx context.Context) {
	t.Helper()
	for _, args := range [][]string{
		{"delete", "validatingadmissionpolicybindings,validatingadmissionpolicies", "--selector=app.kubernetes.io/part-of=quay-push"},
		append([]string{"delete", "namespace", "--ignore-not-found", "--wait=false"}, players...),
		{"delete", "--ignore-not-found", "--filename=../../config/", "--filename=../../test/stage/quay.yaml"},
		append([]string{"wait", "--for=delete", "--timeout=3m", "namespace"}, players...),
		{"patch", "configmap", "config-defaults", "--namespace=tekton-pipelines", `--patch={"data":{"default-service-account":null}}`},
	} {
		if out, err := exec.CommandContext(ctx, "kubectl", args...).CombinedOutput(); err != nil {
			t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
