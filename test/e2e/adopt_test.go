//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/test/stage"
)

// A team with a robot, a token and a Secret that somebody made by hand is adopted: External Secrets takes that very Secret over, the team's
// run pushes with the token that it always had, and the first rotation has a robot of ours take over.
func TestAdopt(t *testing.T) {
	ctx := within(t, 15*time.Minute) // The Vault is built, which takes minutes the first time.
	p := newPlatform(t, ctx)
	robot, token := p.byHand(ctx)
	t.Cleanup(p.forget)
	was := p.carried(ctx)

	p.tool(ctx, cli.ExitRefused, "adopt", "story", "--division", "e2e", "--app", "story", "--from-secret", stage.SharedNamespace+"/"+robotSecretOf("story"))
	p.tool(ctx, cli.ExitOK, "adopt", "story", "--division", "e2e", "--app", "story", "--from-secret", stage.SharedNamespace+"/"+robotSecretOf("story"),
		"--robot", robot, "--service-account", stage.SharedNamespace+"/trigger-story", "--apply")
	p.eventually(ctx, "verify", "story")
	found, err := s.Kube.CoreV1().Secrets(stage.SharedNamespace).Get(ctx, robotSecretOf("story"), metav1.GetOptions{})
	if err != nil || len(found.OwnerReferences) != 1 || found.OwnerReferences[0].Kind != "ExternalSecret" || !p.carried(ctx).Authorization().Equal(was.Authorization()) {
		t.Errorf("the Secret's owners are %v, or it has another credential, %v", found.OwnerReferences, err)
	}
	if p.inUse(ctx) != robot || p.token(ctx, robot) != token {
		t.Errorf("%s pushes, or the robot has another token", p.inUse(ctx))
	}

	began := time.Now()
	run := p.run(p.image(ctx), pipelinev1.Param{Name: v1alpha1.ParamTag, Value: *pipelinev1.NewStructuredValues(p.tag)})
	if run, err = s.Run(ctx, run); err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); !outcome.IsTrue() {
		t.Errorf("the run ended with %s: %s", outcome.Reason, outcome.Message)
	}
	pushed, err := p.quay.Pushes(ctx, "team-story", robot, began.Add(-time.Minute), time.Now().Add(time.Minute))
	if err != nil || len(pushed) == 0 {
		t.Errorf("the pushes of %s are %v, %v", robot, pushed, err)
	}

	p.tool(ctx, cli.ExitOK, "rotate", "story")
	if left := p.robots(ctx, "story"); !slices.Equal(left, []string{p.inUse(ctx)}) || p.inUse(ctx) == robot {
		t.Errorf("the robots are %q, and %s pushes", left, p.inUse(ctx))
	}
	p.tool(ctx, cli.ExitOK, "verify", "story")
	p.tool(ctx, cli.ExitOK, "offboard", "story", "--yes", "--apply")
}

// byHand makes what a person makes for team story in Quay's pages and by kubectl: organization, repository, a robot of a name of its own
// with Write, and its Secret.
func (p *platform) byHand(ctx context.Context) (robot, token string) {
	p.Helper()
	creator, err := quay.New(quay.Options{URL: "https://" + s.Quay.Host, Token: secret.New(s.Quay.CreatorToken()), HTTPClient: s.Quay.Client()})
	if err != nil {
		p.Fatal(err)
	}
	for _, err := range []error{creator.CreateOrganization(ctx, "team-story", ""), creator.CreateRepository(ctx, "team-story/app")} {
		if err != nil && !quay.IsExists(err) {
			p.Fatal(err)
		}
	}
	robot = "team-story+hand-" + strings.ToLower(rand.Text()[:8])
	made, err := p.quay.CreateRobot(ctx, robot, "")
	if err == nil {
		err = p.quay.SetPermission(ctx, "team-story/app", robot, quay.Write)
	}
	if err == nil {
		_, err = p.quay.CreatePrototype(ctx, "team-story", robot, quay.Write)
	}
	if err != nil {
		p.Fatal(err)
	}
	token = made.Token.Reveal()
	transcript.mustNotHave(token)
	secrets := s.Kube.CoreV1().Secrets(stage.SharedNamespace)
	file := fmt.Sprintf(`{"auths":{%q:{"username":%q,"password":%q}}}`, s.Quay.Host, robot, token)
	if _, err := secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: robotSecretOf("story")}, Type: corev1.SecretTypeDockerConfigJson,
		StringData: map[string]string{corev1.DockerConfigJsonKey: file}}, metav1.CreateOptions{}); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = secrets.Delete(context.Background(), robotSecretOf("story"), metav1.DeleteOptions{}) })
	return robot, token
}

// carried is the credential in team story's Secret.
func (p *platform) carried(ctx context.Context) dockerconfig.Credential {
	p.Helper()
	file, err := dockerconfig.Parse([]byte(p.secret(ctx, "story")))
	if err != nil {
		p.Fatal(err)
	}
	match, err := file.For(s.Quay.Host, "team-story")
	if err != nil {
		p.Fatal(err)
	}
	return match.Credential
}

// forget takes the robots that were adopted out of config-tenancy.
func (p *platform) forget() {
	ctx := within(p.T, time.Minute)
	if _, err := s.Kube.CoreV1().ConfigMaps(config.Namespace).Patch(ctx, config.Name, types.MergePatchType, []byte(`{"data":{"adopted-robots":null}}`), metav1.PatchOptions{}); err != nil {
		p.Error(err)
	}
}
