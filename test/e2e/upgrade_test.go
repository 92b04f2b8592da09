//go:build e2e

package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/test/docs"
	"github.com/comptech-lab/quay-push/test/stage"
)

// before is the version that docs/upgrade.md leads from and back to: what there was before anchors, gates, receipts and preflights.
const before = "38d6f02bc7c799e3569441b77f05e4a9bae08e46"

// TestUpgrade pushes 20 times a minute while the commands of docs/upgrade.md go back to the version before and then forth again: what the stage
// installed is this version. No push fails and none is done twice; what one version began while it was alone the other one ends.
func TestUpgrade(t *testing.T) {
	ctx := within(t, 12*time.Minute)
	older := checkOutBefore(t, ctx)
	checkPage(t, older)
	began := time.Now()
	newest, leases := controllerImage(t, ctx), leaseNames(t, ctx)
	t.Cleanup(func() {
		ctx := within(t, 6*time.Minute)
		if controllerImage(t, ctx) != newest {
			follow(t, ctx, "Upgrade", ".")
		}
	})

	// What the version before does not know, set so that it changes nothing.
	setData(t, ctx, config.Name, map[string]string{"gate": "none", "team-gates": "lab=none"})

	p := newTraffic(t, ctx)
	p.begin(t, ctx)
	p.more(t, ctx, 3)
	held := p.hold(t, ctx)
	checkAlone(t, ctx, newest)
	if printed := follow(t, ctx, "Going back", older); strings.Contains(printed, "not known:") {
		t.Errorf("docs/upgrade.md leaves what the version before does not know:\n%s", printed)
	}
	oldest := controllerImage(t, ctx)
	if oldest == newest {
		t.Fatalf("both versions are %s", newest)
	}
	waitAlone(t, ctx, oldest)
	p.release(t, ctx, held)
	if names := leaseNames(t, ctx); !slices.Equal(names, leases) {
		t.Errorf("the version before leads by leases %q, this one by %q: both would lead at once", names, leases)
	}

	p.more(t, ctx, 3)
	held = p.hold(t, ctx)
	checkAlone(t, ctx, oldest)
	follow(t, ctx, "Upgrade", ".")
	waitAlone(t, ctx, newest)
	p.release(t, ctx, held)
	p.more(t, ctx, 3)
	p.end()
	p.check(t, ctx)
	t.Logf("back and forth in %s", time.Since(began).Round(time.Second))
}

// checkOutBefore returns a directory with the version before, whose programs have been built: no push has to wait for the compiler.
func checkOutBefore(t *testing.T, ctx context.Context) string {
	t.Helper()
	dir := t.TempDir()
	if err := stage.CheckOut(ctx, "../..", before, dir); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"config/", "tekton/task/"} {
		build := exec.CommandContext(ctx, "ko", "resolve", "--platform=linux/"+runtime.GOARCH, "--recursive", "--filename="+what)
		build.Dir = dir
		if out, err := build.Output(); err != nil {
			t.Fatalf("building %s of %s: %v\n%s", what, before, err, out)
		}
	}
	return dir
}

// follow runs, in dir, the commands of docs/upgrade.md below a heading, and returns what they printed.
func follow(t *testing.T, ctx context.Context, heading, dir string) (printed string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/upgrade.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := docs.Read("../../docs/upgrade.md")
	if err != nil {
		t.Fatal(err)
	}
	above, section, found := strings.Cut(string(page), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("upgrade.md has no heading %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	first := strings.Count(above, "\n") + 1
	last, ran := first+strings.Count(section, "\n"), 0
	for _, block := range blocks {
		if block.Language == "sh" && first < block.Line && block.Line <= last {
			block.Text = "cd '" + dir + "'\n" + block.Text
			printed += runBlock(t, ctx, append(os.Environ(), "KO_DEFAULTPLATFORMS=linux/"+runtime.GOARCH), block)
			ran++
		}
	}
	if ran == 0 {
		t.Fatalf("upgrade.md tells no command below %q", heading)
	}
	return printed
}

// controllerImage is what the controller's Deployment is to run.
func controllerImage(t *testing.T, ctx context.Context) string {
	t.Helper()
	deployment, err := s.Kube.AppsV1().Deployments(system).Get(ctx, "controller", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return deployment.Spec.Template.Spec.Containers[0].Image
}

// leaseNames are the names of the leases of the controller's replicas, in order.
func leaseNames(t *testing.T, ctx context.Context) (names []string) {
	t.Helper()
	leases, err := s.Kube.CoordinationV1().Leases(system).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, lease := range leases.Items {
		names = append(names, lease.Name)
	}
	return slices.Sorted(slices.Values(names))
}

// others lists the controller's Pods, such as are ending too, that run another image.
func others(t *testing.T, ctx context.Context, image string) (names []string) {
	t.Helper()
	pods, err := s.Kube.CoreV1().Pods(system).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=controller"})
	if err != nil {
		t.Fatal(err)
	}
	if len(pods.Items) == 0 {
		t.Fatal("the controller has no Pods")
	}
	for _, pod := range pods.Items {
		if pod.Spec.Containers[0].Image != image {
			names = append(names, pod.Name)
		}
	}
	return names
}

// checkAlone makes sure that every Pod of the controller runs image: what has begun by now one of them began.
func checkAlone(t *testing.T, ctx context.Context, image string) {
	t.Helper()
	if names := others(t, ctx, image); len(names) > 0 {
		t.Fatalf("beside %s there are %q", image, names)
	}
}

// waitAlone waits until that is so: what ends from now on one of them ends.
func waitAlone(t *testing.T, ctx context.Context, image string) {
	t.Helper()
	waitUntil(t, ctx, "the other version is gone", func() bool { return len(others(t, ctx, image)) == 0 })
}
