//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// TestKeyless pushes without a robot's token anywhere: what the API server signs, Quay verifies with what the API server publishes.
func TestKeyless(t *testing.T) {
	ctx := within(t, 8*time.Minute)
	claim := imageVolume(t, ctx)
	takeIntoCustody(t, ctx, stage.Payments)
	bindCustody(t, ctx, stage.Payments)
	makeKeyless(t, ctx, stage.Payments)
	seen := watchSecrets(t, ctx, stage.Payments.Namespace)

	t.Run("while Quay is not trusted", func(t *testing.T) {
		refused(t, ctx, stage.NewPush(stage.Payments, stage.Payments.Repository), v1alpha1.ReasonFederationUnreachable, "is not trusted here", "docs/provenance.md")
	})
	trustQuay(t, ctx)
	waitUntil(t, ctx, "every replica trusts Quay", func() bool {
		d, err := s.Kube.AppsV1().Deployments("quay-push").Get(ctx, "controller", metav1.GetOptions{})
		return err == nil && d.Status.ObservedGeneration == d.Generation && d.Status.UpdatedReplicas == *d.Spec.Replicas &&
			d.Status.Replicas == d.Status.UpdatedReplicas && d.Status.AvailableReplicas == d.Status.Replicas
	})
	t.Run("a push", func(t *testing.T) {
		run, err := s.Run(ctx, stage.From(claim, stage.NewPush(stage.Payments, stage.Payments.Repository)))
		if err != nil {
			t.Fatal(err)
		}
		if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
			t.Fatalf("%s: %s", outcome.Reason, outcome.Message)
		}
		secret := seen.wait(t, ctx, run)
		content := string(secret.Data[corev1.DockerConfigJsonKey])
		if strings.Count(content, `"auth":`) != 1 || !strings.Contains(content, s.Quay.Host+"/team-payments") {
			t.Errorf("it has not one entry for %s/team-payments", s.Quay.Host)
		}
		if content == string(s.Quay.Dockerconfig(stage.Payments.Team)) {
			t.Error("it has the robot's own token")
		}
		wantGone(t, ctx, stage.Payments.Namespace)
		if secrets, err := s.Kube.CoreV1().Secrets(stage.Custody).List(ctx, metav1.ListOptions{}); err != nil || len(secrets.Items) > 0 {
			t.Errorf("%d Secrets in custody, %v", len(secrets.Items), err)
		}
	})
	issuer, err := s.Issuer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		trusted []quaytest.Federation
		reason  string
		says    string
	}{
		"no issuer":       {nil, v1alpha1.ReasonFederationMissing, "the robot trusts no issuer"},
		"another issuer":  {[]quaytest.Federation{{Issuer: issuer + "/", Subject: stage.Subject(stage.Payments)}}, v1alpha1.ReasonFederationIssuerMismatch, issuer},
		"another account": {[]quaytest.Federation{{Issuer: issuer, Subject: stage.Subject(stage.Platform)}}, v1alpha1.ReasonFederationSubjectMismatch, stage.Subject(stage.Payments)},
	} {
		t.Run("Quay trusts "+name, func(t *testing.T) {
			if err := s.Quay.Trust(ctx, stage.Payments, test.trusted...); err != nil {
				t.Fatal(err)
			}
			refused(t, ctx, stage.NewPush(stage.Payments, stage.Payments.Repository), test.reason, test.says)
		})
	}
	t.Run("a Secret beside it", func(t *testing.T) {
		if err := s.PutSecret(ctx, stage.Tenant{Namespace: stage.Custody}, stage.Payments.Secret, corev1.SecretTypeDockerConfigJson, s.Quay.Dockerconfig(stage.Payments.Team)); err != nil {
			t.Fatal(err)
		}
		refused(t, ctx, stage.NewPush(stage.Payments, stage.Payments.Repository), v1alpha1.ReasonKeylessConflict, stage.Custody)
	})
}

// H44 and H45: whoever gets rights to ServiceAccounts in custody, by some other role, makes no team's there, and has no token of one; nor
// has the controller one of another account.
func TestHoleKeyless(t *testing.T) {
	ctx := within(t, 4*time.Minute)
	takeIntoCustody(t, ctx, stage.Payments)
	makeKeyless(t, ctx, stage.Payments)
	for _, right := range [][3]string{{"create", "", "serviceaccounts"}, {"create", "", "serviceaccounts/token"}, {"patch", "", "serviceaccounts"}} {
		if allowed, err := may(ctx, insiderName, stage.Custody, right[0], right[1], right[2], nil); err != nil || allowed {
			t.Errorf("%v in %s: allowed %v, %v", right, stage.Custody, allowed, err)
		}
	}
	grantFrom(t, stage.Custody, stage.Platform.Namespace, insider, rbacv1.PolicyRule{
		APIGroups: []string{""}, Resources: []string{"serviceaccounts", "serviceaccounts/token"}, Verbs: []string{"create", "update", "delete"}})
	attacker, controller := kubeAs(t, insiderName).CoreV1().ServiceAccounts(stage.Custody), kubeAs(t, "system:serviceaccount:quay-push:controller").CoreV1().ServiceAccounts(stage.Custody)
	waitUntil(t, ctx, "the attacker has the rights", func() bool {
		allowed, err := may(ctx, insiderName, stage.Custody, "create", "", "serviceaccounts/token", nil)
		return err == nil && allowed
	})
	renamed := stage.NewKeyless(stage.Payments)
	renamed.Annotations[v1alpha1.AnnotationRobot] = "team-payments+another"
	succeeded := stage.NewKeyless(stage.Payments)
	succeeded.Annotations[v1alpha1.AnnotationSuccessor] = "team-payments+ci-2"
	generated := stage.NewKeyless(stage.Platform)
	generated.Name, generated.GenerateName = "", stage.Platform.Secret+"-"
	for name, attack := range map[string]func() error{
		"a team's account": func() error {
			_, err := attacker.Create(ctx, stage.NewKeyless(stage.Platform), metav1.CreateOptions{})
			return err
		},
		"an account with a name that is made up": func() error {
			_, err := attacker.Create(ctx, generated, metav1.CreateOptions{})
			return err
		},
		"another robot": func() error {
			_, err := attacker.Update(ctx, renamed, metav1.UpdateOptions{})
			return err
		},
		"another robot, as the successor": func() error {
			_, err := attacker.Update(ctx, succeeded, metav1.UpdateOptions{})
			return err
		},
		"a deletion": func() error { return attacker.Delete(ctx, stage.Payments.Secret, metav1.DeleteOptions{}) },
		"a token":    func() error { return tokenOf(ctx, attacker.CreateToken, stage.Payments.Secret) },
		"another account's token, by the controller": func() error {
			return tokenOf(ctx, controller.CreateToken, "default")
		},
	} {
		if err := attack(); !refusedByPolicy(err) {
			t.Errorf("%s: %v, want the policy's refusal", name, err)
		}
	}
	// Who may rotate the team names its next robot, and nothing else.
	grantFrom(t, stage.Custody, stage.Platform.Namespace, insider, rbacv1.PolicyRule{APIGroups: []string{v1alpha1.Group}, Resources: []string{"tenants"},
		ResourceNames: []string{stage.Payments.Team}, Verbs: []string{"rotate"}})
	foreign := succeeded.DeepCopy()
	foreign.Annotations[v1alpha1.AnnotationSuccessor] = "team-platform+ci-2"
	for name, account := range map[string]*corev1.ServiceAccount{"another robot of onboarding": renamed, "another team's successor": foreign} {
		if _, err := attacker.Update(ctx, account, metav1.UpdateOptions{}); !refusedByPolicy(err) {
			t.Errorf("%s, with the verb rotate: %v, want the policy's refusal", name, err)
		}
	}
	if _, err := attacker.Update(ctx, succeeded, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		t.Errorf("a successor, with the verb rotate: %v", err)
	}
	if err := tokenOf(ctx, controller.CreateToken, stage.Payments.Secret); err != nil {
		t.Errorf("a token for the controller: %v", err)
	}
	if err := tokenOf(ctx, attacker.CreateToken, "default"); err != nil {
		t.Errorf("what is no team's is not guarded: %v", err)
	}
}

// tokenOf asks for a token of an account in custody.
func tokenOf(ctx context.Context, create func(context.Context, string, *authenticationv1.TokenRequest, metav1.CreateOptions) (*authenticationv1.TokenRequest, error), account string) error {
	_, err := create(ctx, account, &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{s.Quay.Host}}}, metav1.CreateOptions{})
	return err
}

// makeKeyless makes the tenant keyless until the end of the test. It is in custody.
func makeKeyless(t *testing.T, ctx context.Context, tenant stage.Tenant) {
	t.Helper()
	t.Cleanup(func() {
		err := s.Kube.CoreV1().ServiceAccounts(stage.Custody).Delete(within(t, time.Minute), tenant.Secret, metav1.DeleteOptions{})
		if err != nil && !apierrs.IsNotFound(err) {
			t.Error(err)
		}
		if err := s.Quay.Trust(within(t, time.Minute), tenant); err != nil {
			t.Error(err)
		}
	})
	if err := s.MakeKeyless(ctx, tenant); err != nil {
		t.Fatal(err)
	}
}

// kubeAs returns a client that acts as user.
func kubeAs(t *testing.T, user string) kubernetes.Interface {
	t.Helper()
	config := rest.CopyConfig(s.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
