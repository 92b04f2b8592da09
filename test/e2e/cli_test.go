//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/tenant"
	"github.com/comptech-lab/quay-push/test/stage"
)

// teams are those that the tool onboards; nobody else knows them.
var teams = []string{"story", "other"}

// platform is what the tool works on: the cluster, with the Quay, the Vault and the External Secrets in it.
type platform struct {
	*testing.T
	quay    *quay.Client
	vault   *vaultServer
	dynamic dynamic.Interface
	// tag is how the tags begin that runs push: on a stage that was used before, Quay logs no push of what is there.
	tag string
	mu  sync.Mutex
}

// newPlatform sets the tool up; what it makes of the teams in the cluster is deleted at the end.
func newPlatform(t *testing.T, ctx context.Context) *platform {
	t.Helper()
	p := &platform{T: t, vault: openVault(t, ctx), dynamic: newDynamic(t, s.Config), tag: "v" + strings.ToLower(rand.Text()[:8]) + "-"}
	t.Setenv("QUAY_TOKEN", s.Quay.OAuthToken())
	t.Setenv("VAULT_ADDR", p.vault.Address)
	t.Setenv("VAULT_TOKEN", p.vault.Token)
	var err error
	if p.quay, err = quay.New(quay.Options{URL: "https://" + s.Quay.Host, Token: secret.New(s.Quay.OAuthToken()), HTTPClient: s.Quay.Client()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.clean)
	p.openStore(ctx)
	return p
}

func newDynamic(t *testing.T, config *rest.Config) dynamic.Interface {
	t.Helper()
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// clean deletes what the tool made, and the runs.
func (p *platform) clean() {
	ctx := within(p.T, time.Minute)
	selector := metav1.ListOptions{LabelSelector: "apps.platform/team in (" + strings.Join(teams, ",") + ")"}
	leases := s.Kube.CoordinationV1().Leases("quay-push")
	for _, err := range []error{
		s.Tekton.TektonV1().PipelineRuns(stage.SharedNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, selector),
		p.dynamic.Resource(externalsecret.Resource).Namespace(stage.SharedNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, selector),
		s.Kube.RbacV1().RoleBindings(stage.SharedNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, selector),
		s.Kube.RbacV1().Roles(stage.SharedNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, selector),
		leases.Delete(ctx, "credential-story", metav1.DeleteOptions{}),
		leases.Delete(ctx, "credential-other", metav1.DeleteOptions{}),
		s.Kube.CoreV1().ServiceAccounts(stage.SharedNamespace).Delete(ctx, "pipelines-vault-apps", metav1.DeleteOptions{}),
		p.dynamic.Resource(externalsecret.Resource.GroupVersion().WithResource("secretstores")).Namespace(stage.SharedNamespace).Delete(ctx, "pipelines-vault-apps", metav1.DeleteOptions{}),
	} {
		if err != nil && !apierrs.IsNotFound(err) {
			p.Error(err)
		}
	}
}

// start runs the tool; stderr gets what it prints there as it goes.
func (p *platform) start(ctx context.Context, stderr *strings.Builder, args ...string) (cli.Exit, string) {
	program := cli.New()
	var out strings.Builder
	program.Out, program.Err = &out, writer(func(text string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		stderr.WriteString(text)
		transcript.read("tkn quay", strings.NewReader(text))
	})
	program.Poll, program.Lease = 200*time.Millisecond, 8*time.Second
	program.Transport = s.Quay.Transport
	exit := program.Run(ctx, args)
	transcript.read("tkn quay", strings.NewReader(out.String()))
	for _, team := range teams {
		for _, name := range p.robots(ctx, team) {
			if token := p.token(ctx, name); token != "" {
				transcript.mustNotHave(token)
			}
		}
	}
	return exit, out.String()
}

// robots are the names of the team's robots in Quay.
func (p *platform) robots(ctx context.Context, team string) []string {
	found, err := p.quay.Robots(ctx, "team-"+team)
	if err != nil && !quay.IsNotFound(err) && !quay.IsForbidden(err) {
		p.Error(err)
	}
	names := []string{}
	for _, r := range found {
		names = append(names, r.Name)
	}
	return names
}

// inUse is the robot that team story pushes with, by Vault.
func (p *platform) inUse(ctx context.Context) string {
	p.Helper()
	stored, err := p.vault.client.Read(ctx, "apps/e2e/story/ci/quay-robot")
	if err != nil {
		p.Fatal(err)
	}
	username := stored.Data["username"]
	return username.Reveal()
}

// replaced checks that the robot old is gone, the next generation has its place, and nobody else is there.
func (p *platform) replaced(t *testing.T, ctx context.Context, old string) {
	t.Helper()
	names, now := tenant.Default().Names("story"), p.inUse(ctx)
	if names.Generation(now) != names.Generation(old)+1 {
		t.Errorf("%s has the place of %s", now, old)
	}
	if left := p.robots(ctx, "story"); !slices.Equal(left, []string{now}) {
		t.Errorf("the robots are %q, want %q alone", left, now)
	}
}

type writer func(string)

func (w writer) Write(data []byte) (int, error) { w(string(data)); return len(data), nil }

// token is the robot's token by Quay; empty if there is no such robot.
func (p *platform) token(ctx context.Context, robot string) string {
	found, err := p.quay.Robot(ctx, robot)
	switch {
	case quay.IsNotFound(err), quay.IsForbidden(err):
		return ""
	case err != nil:
		p.Error(err)
		return ""
	}
	return found.Token.Reveal()
}

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

// onboard onboards a team with its trigger.
func (p *platform) onboard(ctx context.Context, team string) {
	p.Helper()
	p.Setenv("QUAY_TOKEN", s.Quay.CreatorToken())
	defer p.Setenv("QUAY_TOKEN", s.Quay.OAuthToken())
	p.tool(ctx, cli.ExitOK, "onboard", team, "--division", "e2e", "--app", team, "--repo", "app", "--create-organization", "--apply",
		"--service-account", stage.SharedNamespace+"/trigger-"+team)
}

// The life of a credential, by the tool, with a real Vault, the real API server and a registry: onboarded, pushed with,
// rotated without a failed push, rotated in place, leaked, offboarded. Names are counted from the robot in use: a stage that was used
// before has robots of then.
func TestCLI(t *testing.T) {
	// The Vault is built, which takes minutes the first time.
	ctx := within(t, 15*time.Minute)
	p := newPlatform(t, ctx)
	for _, team := range teams {
		p.onboard(ctx, team)
	}
	for _, team := range teams {
		p.eventually(ctx, "verify", team)
	}
	t.Run("what is applied again changes nothing", func(t *testing.T) {
		before := p.generation(ctx)
		p.onboard(ctx, "story")
		if after := p.generation(ctx); after != before {
			t.Errorf("generation of the ExternalSecret was %d, is %d", before, after)
		}
	})
	image := p.image(ctx)
	t.Run("rotate while runs push", func(t *testing.T) { p.rotate(t, ctx, image) })
	t.Run("rotate in place", func(t *testing.T) { p.rotateInPlace(t, ctx, image) })
	t.Run("leak", func(t *testing.T) {
		old := p.inUse(ctx)
		report := p.tool(ctx, cli.ExitOK, "leak", "story", "--since", "1h")
		// A tag, a push of the robot that leaked, and what came of it.
		for _, want := range []string{"| team-story/app | " + p.tag + "0 |", "| " + old + " |", "The team pushes with " + p.inUse(ctx) + ". For "} {
			if !strings.Contains(report, want) {
				t.Errorf("%q is not in the report\n%s", want, report)
			}
		}
		p.replaced(t, ctx, old)
		p.tool(ctx, cli.ExitOK, "verify", "story")
	})
	t.Run("report", func(t *testing.T) { p.report(t, ctx) })
	t.Run("External Secrets", func(t *testing.T) { p.external(t, ctx) })
	t.Run("doctor logs in as External Secrets does", func(t *testing.T) { p.doctor(t, ctx) })
	p.hear(ctx)
	t.Run("offboard", func(t *testing.T) { p.offboard(t, ctx) })
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
	object, err := p.dynamic.Resource(externalsecret.Resource).Namespace(stage.SharedNamespace).Get(ctx, "quay-robot-team-story", metav1.GetOptions{})
	if err != nil {
		p.Fatal(err)
	}
	return object.GetGeneration()
}

// hear has the transcript read what the tool and External Secrets wrote into the cluster, where nobody watches.
func (p *platform) hear(ctx context.Context) {
	p.Helper()
	external, err := p.dynamic.Resource(externalsecret.Resource).List(ctx, metav1.ListOptions{})
	if err != nil {
		p.Fatal(err)
	}
	leases, err := s.Kube.CoordinationV1().Leases("quay-push").List(ctx, metav1.ListOptions{})
	if err != nil {
		p.Fatal(err)
	}
	transcript.readObject("externalsecrets", external)
	transcript.readObject("leases", leases)
}
