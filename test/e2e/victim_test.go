//go:build e2e

package e2e

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	pipelinepod "github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/test/stage"
)

// In the shared namespace, with all policies, the team's own trigger pushes in both ways, and its digest gets into the overlay, while another
// team tries to stop it.
func TestVictimGoesOn(t *testing.T) {
	ctx := within(t, 6*time.Minute)
	attacker := battlefield(t)
	repository := newRepository(t, ctx, victim)
	if err := s.PutGitSecret(ctx, victim, victim.GitSecret, s.Git.Password); err != nil {
		t.Fatal(err)
	}
	cleanSecret(t, stage.SharedNamespace, victim.GitSecret)
	const account = "trigger-payments"
	bindTektonEdit(t, stage.SharedNamespace, account)
	grant(t, account, useOf("payments"))
	trigger := as(t, "system:serviceaccount:"+stage.SharedNamespace+":"+account)
	overlay := map[string]string{"image-ref": victim.Repository, "tag": "shared", "git-url": repository.URL, "git-secret": victim.GitSecret,
		"team": victim.Team, "app": victim.App}
	for pipeline, params := range map[string]map[string]string{
		"build-and-push-image": {},
		"build-and-push-quay":  {"dockerconfig-secret": victim.Secret},
	} {
		t.Run(pipeline, func(t *testing.T) {
			maps.Copy(params, overlay)
			run := stage.NewRun(victim, pipeline, params)
			run.Labels = map[string]string{"pipeline.comptech-lab.com/team": "team-payments"}
			run.Spec.TaskRunTemplate.PodTemplate = &pipelinepod.Template{SecurityContext: &corev1.PodSecurityContext{FSGroup: new(int64(65532))}}
			run, err := trigger.TektonV1().PipelineRuns(stage.SharedNamespace).Create(ctx, run, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			runs := attacker.TektonV1().PipelineRuns(stage.SharedNamespace)
			if _, err := runs.Patch(ctx, run.Name, types.MergePatchType, []byte(`{"spec":{"status":"Cancelled"}}`), metav1.PatchOptions{}); !apierrs.IsInvalid(err) {
				t.Errorf("cancelling it: %v, want Invalid", err)
			}
			if err := runs.Delete(ctx, run.Name, metav1.DeleteOptions{}); !apierrs.IsInvalid(err) {
				t.Errorf("deleting it: %v, want Invalid", err)
			}
			err = attacker.TektonV1().TaskRuns(stage.SharedNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "tekton.dev/pipelineRun=" + run.Name})
			if err != nil && !apierrs.IsInvalid(err) && !apierrs.IsForbidden(err) {
				t.Errorf("deleting its TaskRuns: %v", err)
			}
			run, err = s.Wait(ctx, run)
			if err != nil {
				t.Fatal(err)
			}
			if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
				t.Fatalf("%s: %s", outcome.Reason, outcome.Message)
			}
			digest := stage.Results(run)[v1alpha1.ResultImageDigest]
			if served, err := s.Quay.TagDigest(ctx, victim.Repository, "shared"); err != nil || digest == "" || served != digest {
				t.Errorf("reported %q, Quay serves %q, %v", digest, served, err)
			}
			branch, head := stage.Results(run)["overlay-branch"], stage.Results(run)["overlay-commit"]
			if got := branches(t, ctx, repository)[branch]; head == "" || got != head {
				t.Fatalf("branch %q is at %q, want %q", branch, got, head)
			}
			if built := build(t, ctx, repository, head, "overlays/dev"); built != victim.Repository+"@"+digest {
				t.Errorf("the overlay has %s, want digest %s", built, digest)
			}
			onOpenShift(t, ctx, run)
			// Its owner may end it.
			if err := trigger.TektonV1().PipelineRuns(stage.SharedNamespace).Delete(ctx, run.Name, metav1.DeleteOptions{}); err != nil {
				t.Errorf("deleting the own run: %v", err)
			}
		})
	}
}

// H5: what an author writes into the Pod template does not come between the push and the registry.
func TestHolePodTemplate(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	run := stage.NewPush(stage.Payments, stage.Payments.Repository)
	run.Spec.TaskRunTemplate.PodTemplate = &pipelinepod.Template{
		Env:         []corev1.EnvVar{{Name: "HTTPS_PROXY", Value: "http://attacker.example.com"}, {Name: "SSL_CERT_FILE", Value: "/attacker"}},
		HostAliases: []corev1.HostAlias{{IP: "10.0.0.1", Hostnames: []string{s.Quay.Host}}},
		DNSConfig:   &corev1.PodDNSConfig{Searches: []string{"attacker.example.com"}},
		Volumes:     []corev1.Volume{{Name: "x", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
	}
	run, err := s.Run(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	pods, err := s.Kube.CoreV1().Pods(run.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "tekton.dev/customRun=" + run.Name + "-push"})
	if err != nil || len(pods.Items) != 1 {
		t.Fatalf("%d Pods, %v", len(pods.Items), err)
	}
	spec := pods.Items[0].Spec
	if len(spec.HostAliases) > 0 || spec.DNSConfig != nil {
		t.Errorf("hostAliases %v, dnsConfig %v", spec.HostAliases, spec.DNSConfig)
	}
	for _, c := range append(spec.InitContainers, spec.Containers...) {
		for _, e := range c.Env {
			if strings.Contains(e.Value, "attacker") {
				t.Errorf("container %s has %s=%s", c.Name, e.Name, e.Value)
			}
		}
	}
}

// A tenant's own namespace that opts in: the robot of the namespace's team, and no other.
func TestHoleGuardedNamespace(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	guardNamespace(t, stage.Platform.Namespace)
	pod := func(secret string) error {
		_, err := s.Kube.CoreV1().Pods(stage.Platform.Namespace).Create(ctx, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "attack-"},
			Spec: corev1.PodSpec{
				Containers: []corev1.Container{{Name: "c", Image: "localhost:5000/static:latest"}},
				Volumes:    []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secret}}}},
			},
		}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	if err := pod(stage.Payments.Secret); !apierrs.IsInvalid(err) {
		t.Errorf("another team's Secret: %v, want Invalid", err)
	}
	if err := pod(stage.Platform.Secret); err != nil {
		t.Errorf("the own Secret: %v", err)
	}
	forgery := forged(stage.Platform, metav1.OwnerReference{APIVersion: "tekton.dev/v1", Kind: "PipelineRun", Name: "x", UID: "y", Controller: new(true)})
	if _, err := s.Tekton.TektonV1beta1().CustomRuns(stage.Platform.Namespace).Create(ctx, forgery, metav1.CreateOptions{}); !apierrs.IsInvalid(err) {
		t.Errorf("a CustomRun by hand: %v, want Invalid", err)
	}
	run := stage.NewPush(stage.Platform, stage.Payments.Repository)
	run.Labels = map[string]string{"apps.platform/team": "payments"}
	if _, err := as(t, "system:serviceaccount:default:nobody").TektonV1().PipelineRuns(stage.Platform.Namespace).Create(ctx, run, metav1.CreateOptions{}); err == nil {
		t.Error("another team's label was let in")
	}
}

// guardNamespace puts the label on the namespace that has the policies guard it, until the end of the test.
func guardNamespace(t *testing.T, name string) {
	t.Helper()
	patch := func(value string) {
		t.Helper()
		_, err := s.Kube.CoreV1().Namespaces().Patch(context.Background(), name, types.MergePatchType,
			[]byte(`{"metadata":{"labels":{"quay.comptech-lab.com/guarded":`+value+`}}}`), metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	patch(`"true"`)
	t.Cleanup(func() { patch("null") })
}

// H10, H11: an ExternalSecret that reads another tenant's path, against the real CRD.
func TestHoleExternalSecret(t *testing.T) {
	testExternalSecrets(t, within(t, 3*time.Minute), stage.SharedNamespace)
}

// testExternalSecrets tries as who may write ExternalSecrets in the namespace, and onboard team platform there.
func testExternalSecrets(t *testing.T, ctx context.Context, namespace string) {
	const account = "trigger-platform"
	resource := externalsecret.Resource
	grantIn(t, namespace, account, rbacv1.PolicyRule{APIGroups: []string{resource.Group}, Resources: []string{resource.Resource}, Verbs: []string{"*"}})
	config := rest.CopyConfig(s.Config)
	config.Impersonate.UserName = "system:serviceaccount:" + namespace + ":" + account
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	secrets := client.Resource(resource).Namespace(namespace)
	create := func(edit func(*unstructured.Unstructured)) error {
		object := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
			"metadata": map[string]any{"name": "quay-robot-team-platform", "labels": map[string]any{
				"apps.platform/team": "platform", "apps.platform/division": "platform", "apps.platform/app": "sample"}},
			"spec": map[string]any{
				"secretStoreRef": map[string]any{"name": "pipelines-vault-apps", "kind": "SecretStore"},
				"target":         map[string]any{"name": "quay-robot-team-platform"},
				"dataFrom":       []any{map[string]any{"extract": map[string]any{"key": "apps/platform/sample/ci/quay-robot"}}},
			},
		}}
		edit(object)
		_, err := secrets.Create(ctx, object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	set := func(value any, path ...string) func(*unstructured.Unstructured) {
		return func(o *unstructured.Unstructured) {
			if err := unstructured.SetNestedField(o.Object, value, path...); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := create(func(*unstructured.Unstructured) {}); !apierrs.IsInvalid(err) || !strings.Contains(err.Error(), "onboard") {
		t.Errorf("without the right to onboard: %v, want Invalid", err)
	}
	grantIn(t, namespace, account, rbacv1.PolicyRule{APIGroups: []string{v1alpha1.Group}, Resources: []string{v1alpha1.TenantsResource},
		ResourceNames: []string{"platform", "platform.sample"}, Verbs: []string{"onboard"}})
	if err := create(func(*unstructured.Unstructured) {}); err != nil {
		t.Errorf("the own tenant: %v", err)
	}
	key := func(k string) []any { return []any{map[string]any{"extract": map[string]any{"key": k}}} }
	for name, edit := range map[string]func(*unstructured.Unstructured){
		"another's path":     set(key("apps/payments/checkout/ci/quay-robot"), "spec", "dataFrom"),
		"a second path":      set(append(key("apps/platform/sample/ci/quay-robot"), key("apps/payments/checkout/ci/quay-robot")...), "spec", "dataFrom"),
		"all of Vault":       set([]any{map[string]any{"find": map[string]any{"path": "apps"}}}, "spec", "dataFrom"),
		"another's labels":   set("payments", "metadata", "labels", "apps.platform/division"),
		"another's name":     set("quay-robot-team-payments", "metadata", "name"),
		"another target":     set("quay-robot-team-payments", "spec", "target", "name"),
		"a name of no robot": set("loot", "metadata", "name"),
		"templateFrom":       set([]any{map[string]any{"literal": "x"}}, "spec", "target", "template", "templateFrom"),
	} {
		if err := create(edit); !apierrs.IsInvalid(err) {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
}
