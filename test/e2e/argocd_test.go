//go:build e2e && argocd

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/test/stage"
)

// application is one of Argo CD's: manifests that are in Git, and where those go that name no namespace.
type application struct {
	name, namespace string
	manifests       []byte
}

// argocd is a platform whose cluster Argo CD keeps as Git says.
type argocd struct {
	*fleet
	program string
	all     []application
}

// ownTeam has a namespace of its own, and no runs.
const ownTeam, ownNamespace = "owner", "apps-e2e-owner"

// After a day's work nothing of what is kept in Git has drifted, by Argo CD's own comparison: what is installed, and all that onboard
// renders, applied by Argo CD alone and defaulted by the API server, while Tekton, the controller, both CronJobs and External Secrets did
// their work: runs pushed, tokens were replaced by a person and by the fleet.
func TestArgoCD(t *testing.T) {
	ctx := within(t, 18*time.Minute)
	a := &argocd{fleet: openFleet(t, ctx), program: filepath.Join(t.TempDir(), "argocd")}
	a.run(ctx, "../argocd", "go build -o "+a.program+" .")
	a.switchOn(ctx)
	for _, source := range []struct{ path, namespace string }{
		{"config/", system}, {"config/openshift/", stage.SharedNamespace}, {"config/fleet/", system},
		{"tekton/task/", stage.SharedNamespace}, {"tekton/stepaction/", stage.SharedNamespace}, {"tekton/pipeline/", stage.Payments.Namespace},
	} {
		resolve := fmt.Sprintf("ko resolve --platform=linux/%s --recursive=%t --filename=%s 2>/dev/null", runtime.GOARCH, strings.HasPrefix(source.path, "tekton/"), source.path)
		a.sync(ctx, application{strings.ReplaceAll(strings.Trim(source.path, "/"), "/", "-"), source.namespace, []byte(a.run(ctx, checkout, resolve))})
	}
	a.onboardByGit(ctx)
	a.compare(t, ctx, "a first sync")

	image := a.image(ctx)
	pushing := a.push(t, ctx, image)
	pushing.more(t, ctx, 2)
	for _, team := range append(slices.Clone(teams), ownTeam) {
		a.tool(ctx, cli.ExitOK, "rotate", team, "--timeout", "3m")
	}
	pushing.more(t, ctx, 2)
	if count, failed := pushing.end(); count < 4 || len(failed) > 0 {
		t.Errorf("%d runs pushed, and failed: %q", count, failed)
	}
	for _, run := range []string{"verify", "rotate"} {
		a.begin(ctx, run, "day-"+run)
		if j := a.end(ctx, run, "day-"+run); j.exit != cli.ExitOK {
			t.Errorf("%s: exit %d\n%s", run, j.exit, j.log)
		}
	}
	a.compare(t, ctx, "a day's work")
	a.hear(ctx)
	// The same again changes nothing, and wakes nobody.
	before := a.generation(ctx)
	for _, application := range a.all {
		if out := a.argo(ctx, "sync", application); out != "" {
			t.Errorf("a second sync of %s:\n%s", application.name, out)
		}
	}
	if after := a.generation(ctx); after != before {
		t.Errorf("generation of the ExternalSecret was %d, and is %d after a second sync", before, after)
	}
	a.compare(t, ctx, "a second sync")
}

// onboardByGit has Argo CD apply what onboard renders: of the teams, one of which has a namespace of its own, of the platform, and then,
// since it goes by the teams that are there, of the fleet.
func (a *argocd) onboardByGit(ctx context.Context) {
	a.Helper()
	a.Cleanup(func() {
		err := s.Kube.CoreV1().Namespaces().Delete(within(a.T, time.Minute), ownNamespace, metav1.DeleteOptions{})
		if err != nil && !apierrs.IsNotFound(err) {
			a.Error(err)
		}
	})
	var rendered []application
	for _, team := range teams {
		rendered = append(rendered, a.render(ctx, team, "--division", "e2e", "--app", team, "--repo", "app", "--service-account", stage.SharedNamespace+"/trigger-"+team))
	}
	// The namespace of a team comes before its SecretStore.
	rendered = append(rendered,
		a.render(ctx, ownTeam, "--division", "e2e", "--app", ownTeam, "--repo", "app", "--create-organization", "--namespace", ownNamespace),
		a.render(ctx, "platform", "--vault-address", a.vault.Inside, "--namespace", stage.SharedNamespace, "--namespace", ownNamespace))
	role, err := os.ReadFile(filepath.Join(a.dir, "git", "platform", "vault", "role.json"))
	if err != nil {
		a.Fatal(err)
	}
	a.vault.role = string(role)
	a.vault.mend(a.T, ctx)
	for _, application := range rendered {
		a.sync(ctx, application)
	}
	// The next try of External Secrets' may be minutes away.
	for _, team := range append(slices.Clone(teams), ownTeam) {
		a.eventually(ctx, "verify", team)
	}
	a.sync(ctx, a.render(ctx, "fleet", "--vault-address", a.vault.Inside))
}

// render returns what onboard renders, as it is in Git. What the cluster has of that is deleted: Argo CD makes it.
func (a *argocd) render(ctx context.Context, part string, args ...string) application {
	a.Helper()
	a.Setenv("QUAY_TOKEN", s.Quay.CreatorToken())
	defer a.Setenv("QUAY_TOKEN", s.Quay.OAuthToken())
	directory := filepath.Join(a.dir, "git", part)
	a.tool(ctx, cli.ExitOK, append([]string{"onboard", part, "--output-dir", directory}, args...)...)
	a.run(ctx, a.dir, "kubectl delete --ignore-not-found -f "+directory)
	return application{part, system, directoryOf(a.T, directory)}
}

// directoryOf is what Argo CD takes of a directory: every file that could be a manifest.
func directoryOf(t *testing.T, directory string) []byte {
	t.Helper()
	files, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	var manifests [][]byte
	for _, file := range files {
		if file.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file.Name())) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(directory, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		manifests = append(manifests, text)
	}
	return bytes.Join(manifests, []byte("\n---\n"))
}

// sync has Argo CD make a first sync of an Application, and keep it.
func (a *argocd) sync(ctx context.Context, of application) {
	a.Helper()
	a.all = append(a.all, of)
	if out := a.argo(ctx, "sync", of); out != "" {
		a.Errorf("a first sync of %s:\n%s", of.name, out)
	}
}

// compare has Argo CD compare everything with the cluster.
func (a *argocd) compare(t *testing.T, ctx context.Context, after string) {
	t.Helper()
	for _, application := range a.all {
		if out := a.argo(ctx, "drift", application); out != "" {
			t.Errorf("after %s, %s:\n%s", after, application.name, out)
		}
	}
}

// argo runs test/argocd, and returns what it has to say.
func (a *argocd) argo(ctx context.Context, command string, of application) string {
	a.Helper()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, a.program, command, of.name, of.namespace)
	cmd.Stdin = bytes.NewReader(of.manifests)
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 {
		return err.Error()
	}
	return string(out)
}
