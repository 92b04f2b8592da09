//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/test/stage"
)

// guarded has others try to be the fleet's accounts: a tenant, who has no right for it; one of the tenant's that is called the same; and
// somebody who got rights to Pods, Secrets and tokens of the platform's namespace by some other role. pod is one of a Job's.
func (f *fleet) guarded(t *testing.T, ctx context.Context, pod corev1.Pod) {
	bindTektonEdit(t, stage.Platform.Namespace, insider)
	for _, right := range [][3]string{{"create", "", "pods"}, {"create", "", "pods/exec"}, {"get", "", "secrets"}, {"create", "", "serviceaccounts/token"}, {"create", "batch", "jobs"},
		{"patch", "", "configmaps"}, {"update", "coordination.k8s.io", "leases"}, {"create", "tekton.dev", "taskruns"}, {"get", "external-secrets.io", "externalsecrets"}} {
		if allowed, err := may(ctx, insiderName, system, right[0], right[1], right[2], nil); err != nil || allowed {
			t.Errorf("%v in %s: allowed %v, %v", right, system, allowed, err)
		}
	}
	t.Run("an account of that name", func(t *testing.T) { f.namesake(t, ctx) })
	t.Run("the accounts' own limits", func(t *testing.T) { f.limits(t, ctx) })

	grantFrom(t, system, stage.Platform.Namespace, insider, rbacv1.PolicyRule{APIGroups: []string{""}, Verbs: []string{"get", "create", "update", "patch"},
		Resources: []string{"pods", "pods/exec", "pods/ephemeralcontainers", "secrets", "serviceaccounts/token"}})
	attacker := kubeAs(t, insiderName).CoreV1()
	dry := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	create := func(edit func(*corev1.PodSpec)) error {
		made := restrictedPod()
		edit(&made.Spec)
		_, err := attacker.Pods(system).Create(ctx, made, dry)
		return err
	}
	token := func(account string) error {
		_, err := attacker.ServiceAccounts(system).CreateToken(ctx, account, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
		return err
	}
	secret := func(kind corev1.SecretType, account string) error {
		_, err := attacker.Secrets(system).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{GenerateName: "attack-",
			Annotations: map[string]string{corev1.ServiceAccountNameKey: account}}, Type: kind}, dry)
		return err
	}
	waitUntil(t, ctx, "the attacker has the rights", func() bool { return create(func(*corev1.PodSpec) {}) == nil })
	for name, attack := range map[string]func() error{
		"a Pod that rotates": func() error { return create(func(p *corev1.PodSpec) { p.ServiceAccountName = "fleet-rotate" }) },
		"a Pod with the OAuth token": func() error {
			return create(func(p *corev1.PodSpec) {
				p.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: onboard.FleetToken}}}}
			})
		},
		"a token":            func() error { return token("fleet-rotate") },
		"a token that stays": func() error { return secret(corev1.SecretTypeServiceAccountToken, "fleet-verify") },
		"a command in its Pod": func() error {
			return attacker.RESTClient().Post().Namespace(system).Resource("pods").Name(pod.Name).SubResource("exec").
				VersionedParams(&corev1.PodExecOptions{Command: []string{"/ko-app/tkn-quay"}, Stdout: true}, scheme.ParameterCodec).Do(ctx).Error()
		},
		"a container beside it": func() error {
			with := pod.DeepCopy()
			c := restrictedPod().Spec.Containers[0]
			with.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
				Name: c.Name, Image: c.Image, SecurityContext: c.SecurityContext, TerminationMessagePolicy: corev1.TerminationMessageReadFile, ImagePullPolicy: corev1.PullAlways}}}
			_, err := attacker.Pods(system).UpdateEphemeralContainers(ctx, pod.Name, with, metav1.UpdateOptions{})
			return err
		},
		"another image in it": func() error {
			_, err := attacker.Pods(system).Patch(ctx, pod.Name, types.StrategicMergePatchType,
				[]byte(`{"spec":{"containers":[{"name":"`+pod.Spec.Containers[0].Name+`","image":"attack"}]}}`), metav1.PatchOptions{})
			return err
		},
	} {
		if err := attack(); !refusedByPolicy(err) || !strings.Contains(err.Error(), "fleet-account.quay.comptech-lab.com") {
			t.Errorf("%s: %v, want the policy's refusal", name, err)
		}
	}
	for name, honest := range map[string]func() error{
		"a token of another account":      func() error { return token("default") },
		"a token of another's that stays": func() error { return secret(corev1.SecretTypeServiceAccountToken, "default") },
		"a Secret of another kind":        func() error { return secret(corev1.SecretTypeOpaque, "fleet-verify") },
		"a label of a Job's Pod, for tools": func() error {
			_, err := attacker.Pods(system).Patch(ctx, pod.Name, types.MergePatchType, []byte(`{"metadata":{"labels":{"e2e":"seen"}}}`), metav1.PatchOptions{})
			return err
		},
	} {
		if err := honest(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// restrictedPod is a Pod that Pod security restricted takes.
func restrictedPod() *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "attack-"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "attack", Image: "attack",
		SecurityContext: &corev1.SecurityContext{RunAsNonRoot: new(true), AllowPrivilegeEscalation: new(bool), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}}}}}
}

// namesake is an account of a tenant's that is called as the fleet's: the API server gives it nothing, and Vault does not let it in.
func (f *fleet) namesake(t *testing.T, ctx context.Context) {
	for _, account := range []string{"fleet-verify", "fleet-rotate", onboard.FleetToken} {
		putAccount(t, ctx, stage.Platform.Namespace, account, true)
		lent, err := s.Kube.CoreV1().ServiceAccounts(stage.Platform.Namespace).CreateToken(ctx, account,
			&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{onboard.FleetAudience}}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		client, err := f.vault.admin.Clone() // Without a token.
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Logical().WriteWithContext(ctx, "auth/kubernetes/login", map[string]any{"role": "quay-push-" + account, "jwt": lent.Status.Token}); err == nil ||
			!strings.Contains(err.Error(), "namespace not authorized") {
			t.Errorf("%s of %s logs in to Vault: %v", account, stage.Platform.Namespace, err)
		}
		user := "system:serviceaccount:" + stage.Platform.Namespace + ":" + account
		if allowed, err := may(ctx, user, stage.SharedNamespace, "get", "", "secrets", []string{"quay-robot-team-story"}); err != nil || allowed {
			t.Errorf("%s reads a robot's Secret: %v, %v", user, allowed, err)
		}
	}
}

// limits are those of the accounts themselves, whoever has one: what their runs do is allowed, and what is next to that is not.
func (f *fleet) limits(t *testing.T, ctx context.Context) {
	const verify, rotate = "system:serviceaccount:quay-push:fleet-verify", "system:serviceaccount:quay-push:fleet-rotate"
	for _, user := range []string{verify, rotate} {
		for _, secret := range []struct {
			namespace, name string
			want            bool
		}{{stage.SharedNamespace, "quay-robot-team-story", true}, {stage.SharedNamespace, stage.Payments.GitSecret, false}, {system, onboard.FleetToken, false}, {stage.Payments.Namespace, stage.Payments.Secret, false}} {
			if allowed, err := may(ctx, user, secret.namespace, "get", "", "secrets", []string{secret.name}); err != nil || allowed != secret.want {
				t.Errorf("%s reads Secret %s/%s: %v, %v", user, secret.namespace, secret.name, allowed, err)
			}
		}
	}
	patch := func(user, text string) error {
		_, err := dynamicAs(t, user).Resource(externalsecret.Resource).Namespace(stage.SharedNamespace).
			Patch(ctx, "quay-robot-team-story", types.MergePatchType, []byte(text), metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	const refresh = `{"metadata":{"annotations":{"force-sync":"e2e"}}}`
	if err := patch(rotate, refresh); err != nil {
		t.Errorf("rotate has External Secrets read Vault: %v", err)
	}
	if err := patch(verify, refresh); !apierrs.IsForbidden(err) {
		t.Errorf("verify has External Secrets read Vault: %v", err)
	}
	for _, text := range []string{`{"metadata":{"labels":{"apps.platform/team":"other"}}}`, `{"metadata":{"annotations":{"a":"b"}}}`, `{"spec":{"refreshInterval":"2h"}}`} {
		if err := patch(rotate, text); !refusedByPolicy(err) {
			t.Errorf("rotate changes %s: %v, want the policy's refusal", text, err)
		}
	}
	leases := kubeAs(t, rotate).CoordinationV1().Leases(system)
	held, err := s.Kube.CoordinationV1().Leases(system).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	others := 0
	for _, lease := range held.Items {
		_, err := leases.Update(ctx, &lease, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
		if ours := strings.HasPrefix(lease.Name, "credential-"); ours && err != nil || !ours && !refusedByPolicy(err) {
			t.Errorf("rotate holds Lease %s: %v", lease.Name, err)
		} else if !ours {
			others++
		}
	}
	if others == 0 {
		t.Error("the controller has no Lease that rotate could take")
	}
}
