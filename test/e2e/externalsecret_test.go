//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/test/stage"
)

// other is the team to which everything happens that can happen between Vault and the Secret.
const other = "other"

// bootstrapOther are the arguments that bootstrap it again.
var bootstrapOther = []string{"bootstrap", other, "--division", "e2e", "--app", other}

// external has the real External Secrets, which looks at Vault once an hour, do what it does when something is wrong, and shows that verify
// says what, and that what it advises mends it.
func (p *platform) external(t *testing.T, ctx context.Context) {
	defer p.vault.mend(t, ctx)
	p.eventually(ctx, "verify", other)
	t.Run("it keeps its finalizer, and looks once an hour", func(t *testing.T) {
		object := p.externalSecret(ctx, other)
		interval, _, _ := unstructured.NestedString(object.Object, "spec", "refreshInterval")
		if !slices.Contains(object.GetFinalizers(), "externalsecrets.external-secrets.io/externalsecret-cleanup") || interval != "1h0m0s" {
			t.Errorf("finalizers %q, interval %q", object.GetFinalizers(), interval)
		}
	})
	t.Run("deleted in the foreground, and rendered again", func(t *testing.T) {
		foreground := metav1.DeletePropagationForeground
		objects := p.dynamic.Resource(externalsecret.Resource).Namespace(stage.SharedNamespace)
		if err := objects.Delete(ctx, robotSecretOf(other), metav1.DeleteOptions{PropagationPolicy: &foreground}); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, ctx, "the ExternalSecret is gone", func() bool {
			_, err := objects.Get(ctx, robotSecretOf(other), metav1.GetOptions{})
			return apierrs.IsNotFound(err)
		})
		p.onboard(ctx, other)
		p.eventually(ctx, "verify", other)
	})
	t.Run("the path in Vault is lost", func(t *testing.T) { p.losePath(t, ctx) })
	t.Run("offboarded in Git alone, and onboarded", func(t *testing.T) {
		before := p.secret(ctx, other)
		p.tool(ctx, cli.ExitOK, "offboard", other, "--yes")
		if p.secret(ctx, other) != before {
			t.Error("the Secret has not the burnt token, so that this shows nothing")
		}
		p.onboard(ctx, other)
		if now := p.secret(ctx, other); now == before || now == "" {
			t.Error("the Secret has the burnt token, or none")
		}
		p.tool(ctx, cli.ExitOK, "verify", other)
	})
	for name, test := range map[string]struct{ policy, role, says, next string }{
		"the policy has a * in the middle": {starPolicy, p.vault.role, "permission denied", "secret/data/apps/+/+/ci/quay-robot"},
		"the role is for another namespace": {p.vault.policy, strings.ReplaceAll(p.vault.role, stage.SharedNamespace, "elsewhere"),
			"namespace not authorized", "bound_service_account_namespaces"},
	} {
		t.Run(name, func(t *testing.T) { p.refuse(t, ctx, test.policy, test.role, test.says, test.next) })
	}
	t.Run("rotated while Vault refuses", func(t *testing.T) { p.rotateRefused(t, ctx) })
	t.Run("the same is written to Vault again", func(t *testing.T) { p.writeAgain(t, ctx) })
	t.Run("immutable", func(t *testing.T) { p.immutable(t, ctx) })
	for name, test := range map[string]struct {
		spoil, mend string
		exit        cli.Exit
		check, says string
	}{
		"refreshInterval is 0":   {`{"spec":{"refreshInterval":"0"}}`, `{"spec":{"refreshInterval":"1h0m0s"}}`, cli.ExitNotReady, "external-secret-refresh", "spec.refreshInterval is 0"},
		"it is created once":     {`{"spec":{"refreshPolicy":"CreatedOnce"}}`, `{"spec":{"refreshPolicy":"Periodic"}}`, cli.ExitNotReady, "external-secret-refresh", "CreatedOnce"},
		"it is for another host": {p.dockerconfig("elsewhere.example.com"), p.dockerconfig(s.Quay.Host), cli.ExitStronger, "secret-host", s.Quay.Host},
		"the store is not there": {`{"spec":{"secretStoreRef":{"name":"none"}}}`, `{"spec":{"secretStoreRef":{"name":"` + storeName + `"}}}`, cli.ExitNotReady, "external-secret", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			p.change(ctx, other, test.spoil)
			defer func() {
				p.change(ctx, other, test.mend)
				p.eventually(ctx, "verify", other)
			}()
			if c := p.waitFailed(ctx, test.check, test.exit); !strings.Contains(c.Detail, test.says) || c.Next == "" {
				t.Errorf("verify says %+v, want %q", c, test.says)
			}
		})
	}
	t.Run("the Secret is written by hand", func(t *testing.T) {
		before := p.secret(ctx, other)
		patch, err := json.Marshal(map[string]any{"stringData": map[string]string{".dockerconfigjson": p.secret(ctx, "story")}})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.patchSecret(ctx, other, patch); err != nil {
			t.Fatal(err)
		}
		// External Secrets watches what it made.
		waitUntil(t, ctx, "it has the own robot again", func() bool { return p.secret(ctx, other) == before })
	})
	p.tool(ctx, cli.ExitOK, "verify", other)
}

// losePath deletes the credential in Vault. That External Secrets calls success, after which it would look again in an hour.
func (p *platform) losePath(t *testing.T, ctx context.Context) {
	if _, err := p.vault.admin.Logical().DeleteWithContext(ctx, "secret/metadata/apps/e2e/other/ci/quay-robot"); err != nil {
		t.Fatal(err)
	}
	p.refresh(ctx, other)
	waitUntil(t, ctx, "the Secret is deleted", func() bool { return p.secret(ctx, other) == "" })
	waitUntil(t, ctx, "External Secrets says so", func() bool { return ready(p.externalSecret(ctx, other)) == "True SecretDeleted" })
	if c := p.waitFailed(ctx, "vault-data", cli.ExitUnauthorized, cli.ExitNotReady); c.Next != "run bootstrap" {
		t.Errorf("verify says %+v", c)
	}
	p.tool(ctx, cli.ExitOK, bootstrapOther...)
	p.tool(ctx, cli.ExitOK, "verify", other)
}

// refuse has Vault refuse External Secrets for a while. Its store is Valid all the same.
func (p *platform) refuse(t *testing.T, ctx context.Context, policy, role, says, next string) {
	p.vault.write(t, ctx, policy, role)
	p.refresh(ctx, other)
	c := p.waitFailed(ctx, "external-secret", cli.ExitNotReady)
	if !strings.Contains(c.Detail, says) || !strings.Contains(c.Next, next) {
		t.Errorf("verify says %+v, want %q and %q", c, says, next)
	}
	store, err := p.dynamic.Resource(externalsecret.Resource.GroupVersion().WithResource("secretstores")).Namespace(stage.SharedNamespace).Get(ctx, storeName, metav1.GetOptions{})
	if err != nil || ready(store) != "True Valid" {
		t.Errorf("the SecretStore is %q, %v", ready(store), err)
	}
	if line := p.doctorLine(ctx, "vault-role"); !strings.Contains(line, " failed ") {
		t.Errorf("doctor says %s", line)
	}
	p.vault.mend(t, ctx)
	_, command, _ := strings.Cut(c.Next, "kubectl annotate ")
	if out, err := exec.CommandContext(ctx, "bash", "-c", "kubectl annotate "+command).CombinedOutput(); err != nil {
		t.Fatalf("what verify advises: %v\n%s", err, out)
	}
	p.eventually(ctx, "verify", other)
}

// rotateRefused rotates while Vault refuses External Secrets, which waits longer after each failure.
func (p *platform) rotateRefused(t *testing.T, ctx context.Context) {
	p.vault.write(t, ctx, starPolicy, p.vault.role)
	var stderr strings.Builder
	rotated := make(chan cli.Exit, 1)
	go func() {
		exit, _ := p.start(ctx, &stderr, "rotate", other, "--timeout", "3m")
		rotated <- exit
	}()
	asked := map[string]bool{}
	waitUntil(t, ctx, "External Secrets is asked again", func() bool {
		object := p.externalSecret(ctx, other)
		if ready(object) == "False SecretSyncedError" {
			asked[object.GetAnnotations()["force-sync"]] = true
		}
		return len(asked) > 3
	})
	p.vault.mend(t, ctx)
	mended := time.Now()
	if exit := <-rotated; exit != cli.ExitOK {
		t.Fatalf("exit %d\n%s", exit, stderr.String())
	}
	t.Logf("rotated %.1fs after Vault was mended", time.Since(mended).Seconds())
	p.tool(ctx, cli.ExitOK, "verify", other)
}

// writeAgain writes what Vault has once more: the Secret is older than the version, and right.
func (p *platform) writeAgain(t *testing.T, ctx context.Context) {
	const path = "apps/e2e/other/ci/quay-robot"
	stored, err := p.vault.client.Read(ctx, path)
	if err == nil {
		_, err = p.vault.client.Write(ctx, path, stored.Data, stored.Version)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"secret-token", "secret-age"} {
		if _, checks := p.verify(ctx); checks[id].Status != robot.Passed {
			t.Errorf("verify says %+v", checks[id])
		}
	}
	p.tool(ctx, cli.ExitOK, "rotate", other)
}

// immutable makes the Secret immutable: to take the field out does not lift that.
func (p *platform) immutable(t *testing.T, ctx context.Context) {
	secrets := s.Kube.CoreV1().Secrets(stage.SharedNamespace)
	p.change(ctx, other, `{"spec":{"target":{"immutable":true}}}`)
	waitUntil(t, ctx, "the Secret is immutable", func() bool {
		found, err := secrets.Get(ctx, robotSecretOf(other), metav1.GetOptions{})
		return err == nil && found.Immutable != nil && *found.Immutable
	})
	if c := p.waitFailed(ctx, "external-secret-refresh", cli.ExitNotReady); !strings.Contains(c.Detail, "spec.target.immutable is true") || !strings.Contains(c.Next, "delete the Secret") {
		t.Errorf("verify says %+v", c)
	}
	p.tool(ctx, cli.ExitRefused, "rotate", other)
	p.change(ctx, other, `{"spec":{"target":{"immutable":null}}}`)
	if c := p.waitFailed(ctx, "external-secret-refresh", cli.ExitNotReady); !strings.Contains(c.Detail, "the Secret is immutable") || !strings.Contains(c.Next, "delete the Secret") {
		t.Errorf("with the field taken out verify says %+v", c)
	}
	if err := secrets.Delete(ctx, robotSecretOf(other), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	p.eventually(ctx, "verify", other)
	p.tool(ctx, cli.ExitOK, "rotate", other)
}
