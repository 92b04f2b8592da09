//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/hashicorp/vault/api"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/quay/quaytest"
	"github.com/comptech-lab/quay-push/pkg/vault"
	"github.com/comptech-lab/quay-push/pkg/vault/vaulttest"
	"github.com/comptech-lab/quay-push/test/stage"
)

// platform is what the tool works on: a Quay and a real Vault on this machine, and the cluster.
type platform struct {
	*testing.T
	quay    *quaytest.Quay
	vault   vaulttest.Server
	oauth   string
	config  string
	dynamic dynamic.Interface
	// operator plays External Secrets.
	operator *operator
	// said is all that the tool ever printed.
	mu   sync.Mutex
	said strings.Builder
	// tokens are all that Quay ever gave out to the teams.
	tokens []string
}

// newPlatform has two teams in Quay that nobody else knows; what the tool makes of them in the cluster is deleted at the end.
func newPlatform(t *testing.T, ctx context.Context) *platform {
	t.Helper()
	installDefinition(t, ctx, "externalsecrets")
	installDefinition(t, ctx, "secretstores")
	p := &platform{T: t, quay: quaytest.Start(t), vault: vaulttest.Start(t)}
	for _, team := range []string{"story", "other"} {
		p.quay.AddOrganization("team-" + team)
		p.quay.AddRepository("team-"+team, "app")
	}
	p.oauth = p.quay.AddOAuthToken([]quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin, quaytest.RepoRead})
	p.config = filepath.Join(t.TempDir(), "config.yaml")
	config := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\ndata: {registry: %q}\n", p.quay.Host())
	if err := os.WriteFile(p.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("QUAY_TOKEN", p.oauth)
	t.Setenv("VAULT_ADDR", p.vault.Address)
	t.Setenv("VAULT_TOKEN", p.vault.Token)
	var err error
	if p.dynamic, err = dynamic.NewForConfig(s.Config); err != nil {
		t.Fatal(err)
	}
	client, err := vault.New(vault.Options{Address: p.vault.Address, Token: p.vault.Token, Mount: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	operating, stop := context.WithCancel(ctx)
	var stopped sync.WaitGroup
	p.operator = &operator{vault: client, dynamic: p.dynamic, teams: []string{"story", "other"}, lag: 500 * time.Millisecond}
	stopped.Go(func() { p.operator.run(operating, t) })
	t.Cleanup(func() {
		stop()
		stopped.Wait()
		p.clean()
	})
	return p
}

// clean deletes what the tool made.
func (p *platform) clean() {
	ctx := within(p.T, time.Minute)
	selector := metav1.ListOptions{LabelSelector: "apps.platform/team in (story,other)"}
	for _, err := range []error{
		s.Tekton.TektonV1().PipelineRuns(stage.SharedNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, selector),
		p.dynamic.Resource(externalSecrets).Namespace(stage.SharedNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, selector),
		s.Kube.CoreV1().Secrets(stage.SharedNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, selector),
		s.Kube.RbacV1().RoleBindings(stage.SharedNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, selector),
		s.Kube.RbacV1().Roles(stage.SharedNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, selector),
		s.Kube.CoordinationV1().Leases("quay-push").Delete(ctx, "credential-story", metav1.DeleteOptions{}),
		s.Kube.CoreV1().ServiceAccounts(stage.SharedNamespace).Delete(ctx, "pipelines-vault-apps", metav1.DeleteOptions{}),
		p.dynamic.Resource(externalSecrets.GroupVersion().WithResource("secretstores")).Namespace(stage.SharedNamespace).Delete(ctx, "pipelines-vault-apps", metav1.DeleteOptions{}),
	} {
		if err != nil && !apierrs.IsNotFound(err) {
			p.Error(err)
		}
	}
}

// start runs the tool; said gets what it prints as it goes.
func (p *platform) start(ctx context.Context, stderr *strings.Builder, args ...string) (cli.Exit, string) {
	program := cli.New()
	var out strings.Builder
	program.Out, program.Err = &out, writer(func(text string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		stderr.WriteString(text)
		p.said.WriteString(text)
	})
	program.Poll, program.Lease = 200*time.Millisecond, 8*time.Second
	program.Transport = p.quay.Client().Transport.(*http.Transport)
	exit := program.Run(ctx, append(args, "--config", p.config))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said.WriteString(out.String())
	for _, robot := range []string{"team-story+ci", "team-story+ci-b", "team-other+ci"} {
		if token := p.quay.RobotToken(robot); token != "" && !slices.Contains(p.tokens, token) {
			p.tokens = append(p.tokens, token)
		}
	}
	return exit, out.String()
}

type writer func(string)

func (w writer) Write(data []byte) (int, error) { w(string(data)); return len(data), nil }

// tool runs the tool and fails the test unless it ends as it should.
func (p *platform) tool(ctx context.Context, want cli.Exit, args ...string) string {
	p.Helper()
	var stderr strings.Builder
	exit, stdout := p.start(ctx, &stderr, args...)
	if exit != want {
		p.Fatalf("tkn quay %q: exit %d, want %d\n%s%s", args, exit, want, stdout, stderr.String())
	}
	return stdout
}

// pushes pushes a new image each time, with the credential that the cluster's Secret has then, until ctx ends; and returns
// how many there were and why those failed that did. The channel is closed when the first fails.
func (p *platform) pushes(ctx context.Context, every time.Duration) (stop func() (count int, failed []string), outage <-chan struct{}) {
	done, end, broken := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var count int
	var failed []string
	source := p.layout()
	go func() {
		defer close(done)
		for tick := time.NewTicker(every); ; {
			if err := p.push(ctx, source, fmt.Sprint("v", count)); err != nil {
				if failed = append(failed, err.Error()); len(failed) == 1 {
					close(broken)
				}
			}
			count++
			select {
			case <-tick.C:
			case <-end:
				tick.Stop()
				return
			}
		}
	}()
	return func() (int, []string) {
		close(end)
		<-done
		return count, failed
	}, broken
}

// layout is an OCI layout with a small image.
func (p *platform) layout() string {
	p.Helper()
	dir := p.TempDir()
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		p.Fatal(err)
	}
	image, err := random.Image(1000, 1)
	if err != nil {
		p.Fatal(err)
	}
	if err := path.AppendImage(image); err != nil {
		p.Fatal(err)
	}
	return dir
}

func (p *platform) push(ctx context.Context, source, tag string) error {
	secret, err := s.Kube.CoreV1().Secrets(stage.SharedNamespace).Get(ctx, "quay-robot-team-story", metav1.GetOptions{})
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(p.TempDir(), "*.json")
	if err != nil {
		return err
	}
	if _, err := file.Write(secret.Data[corev1.DockerConfigJsonKey]); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	_, err = push.Push(ctx, push.Options{Source: source, ImageRef: p.quay.Host() + "/team-story/app", Tags: []string{tag},
		Dockerconfig: file.Name(), CAFile: p.quay.CAFile()})
	return err
}

// The seed's life of a credential, by the tool, with a real Vault, the real API server and a registry: onboarded, pushed with,
// rotated without a failed push, rotated the seed's way, leaked. Nothing that is printed has a token.
func TestCLI(t *testing.T) {
	ctx := within(t, 8*time.Minute)
	p := newPlatform(t, ctx)
	for _, team := range []string{"story", "other"} {
		p.tool(ctx, cli.ExitOK, "onboard", team, "--division", "e2e", "--app", team, "--apply", "--service-account", stage.SharedNamespace+"/trigger-"+team)
	}
	p.eventually(ctx, "verify", "story")
	p.tool(ctx, cli.ExitOK, "verify", "other")

	t.Run("what is applied again changes nothing", func(t *testing.T) {
		before := p.generation(ctx)
		p.tool(ctx, cli.ExitOK, "onboard", "story", "--division", "e2e", "--app", "story", "--apply", "--service-account", stage.SharedNamespace+"/trigger-story")
		if after := p.generation(ctx); after != before {
			t.Errorf("generation of the ExternalSecret was %d, is %d", before, after)
		}
	})
	t.Run("rotate while pushes go on", func(t *testing.T) { p.rotate(t, ctx) })
	t.Run("rotate in place", func(t *testing.T) {
		pushed, outage := p.pushes(ctx, 100*time.Millisecond)
		// External Secrets is as late as it takes for a push to meet the old token in the cluster's Secret.
		p.operator.hold.Lock()
		go func() {
			defer p.operator.hold.Unlock()
			select {
			case <-outage:
			case <-ctx.Done():
			}
		}()
		var result struct{ OutageSeconds float64 }
		if err := json.Unmarshal([]byte(p.tool(ctx, cli.ExitOK, "rotate", "story", "--in-place", "-o", "json")), &result); err != nil {
			t.Fatal(err)
		}
		count, failed := pushed()
		t.Logf("in place: %d of %d pushes failed, outage %.1fs", len(failed), count, result.OutageSeconds)
		if result.OutageSeconds <= 0 || len(failed) == 0 {
			t.Error("no outage was seen: the contrast is missing")
		}
		p.tool(ctx, cli.ExitOK, "verify", "story")
	})
	t.Run("leak", func(t *testing.T) {
		old := p.quay.RobotToken("team-story+ci-b")
		report := p.tool(ctx, cli.ExitOK, "leak", "story", "--since", "1h")
		if !strings.Contains(report, "| team-story/app | v0 |") || p.quay.RobotToken("team-story+ci-b") == old {
			t.Errorf("report is\n%s", report)
		}
		p.tool(ctx, cli.ExitOK, "verify", "story")
	})
	t.Run("doctor logs in as External Secrets does", func(t *testing.T) { p.doctor(t, ctx) })
	p.checkSecrets(ctx)
}

// eventually waits until the tool succeeds.
func (p *platform) eventually(ctx context.Context, args ...string) {
	p.Helper()
	var stderr strings.Builder
	for ctx.Err() == nil {
		exit, stdout := p.start(ctx, &stderr, args...)
		if exit == cli.ExitOK {
			return
		}
		stderr.WriteString(stdout)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	p.Fatalf("tkn quay %q never succeeded\n%s", args, stderr.String())
}

// generation is that of team story's ExternalSecret: it grows when its spec changes.
func (p *platform) generation(ctx context.Context) int64 {
	p.Helper()
	object, err := p.dynamic.Resource(externalSecrets).Namespace(stage.SharedNamespace).Get(ctx, "quay-robot-team-story", metav1.GetOptions{})
	if err != nil {
		p.Fatal(err)
	}
	return object.GetGeneration()
}

// rotate rotates while a push goes on every second and a PipelineRun that began with the old token has not ended.
func (p *platform) rotate(t *testing.T, ctx context.Context) {
	runs := s.Tekton.TektonV1().PipelineRuns(stage.SharedNamespace)
	run := stage.NewPush(stage.Tenant{Team: "story", Namespace: stage.SharedNamespace}, p.quay.Host()+"/team-story/app")
	run.Labels = map[string]string{"apps.platform/team": "story"}
	run.Spec.Status = pipelinev1.PipelineRunSpecStatusPending
	run, err := runs.Create(ctx, run, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	explained := p.tool(ctx, cli.ExitOK, "explain", "pipelinerun", run.Name, "-n", stage.SharedNamespace)
	if !strings.Contains(explained, "pushes as team story to "+p.quay.Host()+"/team-story") {
		t.Errorf("explained as\n%s", explained)
	}
	old := p.quay.RobotToken("team-story+ci")
	pushed, _ := p.pushes(ctx, time.Second)
	var stderr strings.Builder
	rotated := make(chan cli.Exit, 1)
	go func() {
		exit, _ := p.start(ctx, &stderr, "rotate", "story", "--timeout", "3m")
		rotated <- exit
	}()
	const waits = "begin  let the runs end that began with the old token"
	for waiting := false; !waiting; {
		p.mu.Lock()
		waiting = strings.Contains(stderr.String(), waits)
		p.mu.Unlock()
		select {
		case exit := <-rotated:
			t.Fatalf("it did not wait for the run: exit %d\n%s", exit, stderr.String())
		case <-time.After(100 * time.Millisecond):
		}
	}
	if p.quay.RobotToken("team-story+ci") != old {
		t.Error("the old token was burnt while a run may have it")
	}
	p.tool(ctx, cli.ExitConflict, "rotate", "story")
	cancel := []byte(`{"spec":{"status":"Cancelled"}}`)
	if _, err := runs.Patch(ctx, run.Name, types.MergePatchType, cancel, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if exit := <-rotated; exit != cli.ExitOK {
		t.Fatalf("exit %d\n%s", exit, stderr.String())
	}
	count, failed := pushed()
	t.Logf("with two robots: %d of %d pushes failed", len(failed), count)
	if len(failed) > 0 || count < 5 {
		t.Errorf("%d pushes, failed: %q", count, failed)
	}
	if p.quay.RobotToken("team-story+ci") == old {
		t.Error("the old token is still good")
	}
	p.tool(ctx, cli.ExitOK, "verify", "story")
}

// doctor gives Vault the platform's part, and then the seed's policy.
func (p *platform) doctor(t *testing.T, ctx context.Context) {
	directory := t.TempDir()
	commands := p.tool(ctx, cli.ExitOK, "onboard", "platform", "--vault-address", p.vault.Address, "--output-dir", directory)
	p.tool(ctx, cli.ExitOK, "onboard", "platform", "--vault-address", p.vault.Address, "--apply")
	if !strings.Contains(commands, "vault policy write pipelines-vault-apps vault-policy.hcl") {
		t.Errorf("it says\n%s", commands)
	}
	config := api.DefaultConfig()
	config.Address = p.vault.Address
	admin, err := api.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	admin.SetToken(p.vault.Token)
	policy, err := os.ReadFile(filepath.Join(directory, "vault-policy.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	role, err := os.ReadFile(filepath.Join(directory, "vault-role.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Logical().WriteWithContext(ctx, "auth/kubernetes/config", map[string]any{"kubernetes_host": s.Config.Host,
		"kubernetes_ca_cert": string(s.Config.CAData), "token_reviewer_jwt": reviewer(t, ctx), "disable_local_ca_jwt": true}); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Logical().WriteBytesWithContext(ctx, "auth/kubernetes/role/pipelines-vault-apps", role); err != nil {
		t.Fatal(err)
	}
	roleLook := func(policy string) string {
		if err := admin.Sys().PutPolicyWithContext(ctx, "pipelines-vault-apps", policy); err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		_, stdout := p.start(ctx, &stderr, "doctor")
		for line := range strings.Lines(stdout) {
			if strings.HasPrefix(line, "vault-role ") {
				return line
			}
		}
		t.Fatalf("doctor says nothing of the role:\n%s%s", stdout, stderr.String())
		return ""
	}
	if line := roleLook(string(policy)); !strings.Contains(line, " ok ") {
		t.Errorf("with the policy that is rendered: %s", line)
	}
	if line := roleLook(`path "secret/data/apps/*/*/ci/quay-robot" { capabilities = ["read"] }`); !strings.Contains(line, " failed ") || !strings.Contains(line, "matches only at its end") {
		t.Errorf("with the seed's policy: %s", line)
	}
}

// reviewer is a token that may ask the API server about tokens, as Vault's own ServiceAccount may.
func reviewer(t *testing.T, ctx context.Context) string {
	t.Helper()
	const name = "vault-reviewer"
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}
	binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:auth-delegator"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: name, Namespace: "default"}}}
	if _, err := s.Kube.CoreV1().ServiceAccounts("default").Create(ctx, account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Kube.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		clean := within(t, time.Minute)
		for _, err := range []error{s.Kube.RbacV1().ClusterRoleBindings().Delete(clean, name, metav1.DeleteOptions{}),
			s.Kube.CoreV1().ServiceAccounts("default").Delete(clean, name, metav1.DeleteOptions{})} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	token, err := s.Kube.CoreV1().ServiceAccounts("default").CreateToken(ctx, name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return token.Status.Token
}

// checkSecrets looks for every token in all that was printed, and in what people see in the cluster.
func (p *platform) checkSecrets(ctx context.Context) {
	p.Helper()
	said := p.said.String()
	for name, list := range map[string]func() (any, error){
		"Events": func() (any, error) {
			return s.Kube.CoreV1().Events(stage.SharedNamespace).List(ctx, metav1.ListOptions{})
		},
		"ExternalSecrets": func() (any, error) {
			return p.dynamic.Resource(externalSecrets).Namespace(stage.SharedNamespace).List(ctx, metav1.ListOptions{})
		},
		"Leases": func() (any, error) {
			return s.Kube.CoordinationV1().Leases("quay-push").List(ctx, metav1.ListOptions{})
		},
		"PipelineRuns": func() (any, error) {
			return s.Tekton.TektonV1().PipelineRuns(stage.SharedNamespace).List(ctx, metav1.ListOptions{})
		},
	} {
		objects, err := list()
		if err != nil {
			p.Fatalf("listing %s: %v", name, err)
		}
		data, err := json.Marshal(objects)
		if err != nil {
			p.Fatal(err)
		}
		said += string(data)
	}
	if len(p.tokens) < 5 {
		p.Errorf("only %d tokens are known", len(p.tokens))
	}
	for _, token := range append(p.tokens, p.oauth, p.vault.Token) {
		if strings.Contains(said, token) {
			p.Error("a token was printed")
		}
	}
}
