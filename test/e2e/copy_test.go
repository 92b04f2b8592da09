//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/random"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// fromRegistry is a run of payments that pushes the image at source, without a workspace.
func fromRegistry(source, tag string) *pipelinev1.PipelineRun {
	run := stage.NewPush(stage.Payments, stage.Payments.Repository)
	run.Spec.Workspaces, run.Spec.PipelineSpec.Workspaces = nil, nil
	task := &run.Spec.PipelineSpec.Tasks[0]
	task.Workspaces = nil
	task.Params = append(task.Params, pipelinev1.Param{Name: v1alpha1.ParamSource, Value: *pipelinev1.NewStructuredValues(source)},
		pipelinev1.Param{Name: v1alpha1.ParamTag, Value: *pipelinev1.NewStructuredValues(tag)})
	for _, name := range v1alpha1.Results {
		run.Spec.PipelineSpec.Results = append(run.Spec.PipelineSpec.Results, pipelinev1.PipelineResult{
			Name: name, Value: *pipelinev1.NewStructuredValues("$(tasks.push.results." + name + ")")})
	}
	return run
}

// TestCopy pushes from the cluster's internal registry: no token ever is in the tenant's namespace, and no image of another
// namespace comes out.
func TestCopy(t *testing.T) {
	ctx := within(t, 8*time.Minute)
	registry := openInternal(t, ctx)
	image, err := random.Image(100_000, 3)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	own := stage.InternalRegistry + "/" + stage.Payments.Namespace + "/" + stage.Payments.App
	others := stage.InternalRegistry + "/" + stage.Platform.Namespace + "/" + stage.Platform.App
	for _, repository := range []string{own, others} {
		if err := registry.Write(ctx, image, repository, "v1"); err != nil {
			t.Fatal(err)
		}
	}
	takeIntoCustody(t, ctx, stage.Payments)
	seen := watchSecrets(t, ctx, stage.Payments.Namespace)
	allowCopies(t, ctx, registry, "docker://"+own+":v1")

	t.Run("a push", func(t *testing.T) {
		run, err := s.Run(ctx, fromRegistry("docker://"+own+":v1", "copied"))
		if err != nil {
			t.Fatal(err)
		}
		if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
			t.Fatalf("%s: %s", outcome.Reason, outcome.Message)
		}
		if got := stage.Results(run); got[v1alpha1.ResultImageDigest] != digest.String() || got[v1alpha1.ResultPinned] != stage.Payments.Repository+"@"+digest.String() {
			t.Errorf("results %v, want digest %s", got, digest)
		}
		if got, err := s.Quay.TagDigest(ctx, stage.Payments.Repository, "copied"); err != nil || got != digest.String() {
			t.Errorf("Quay has %q, %v, want %s", got, err, digest)
		}
		seen.Lock()
		defer seen.Unlock()
		for _, secret := range seen.all {
			if strings.HasPrefix(secret.Name, stage.Payments.Secret) {
				t.Errorf("Secret %q was made in the tenant's namespace", secret.Name)
			}
		}
	})
	t.Run("another namespace's image", func(t *testing.T) {
		for _, source := range []string{others + ":v1", stage.InternalRegistry + "/" + stage.Payments.Namespace + "/../" + stage.Platform.Namespace + "/" + stage.Platform.App, s.Quay.Host + "/team-platform/sample"} {
			refused(t, ctx, fromRegistry("docker://"+source, "stolen"), v1alpha1.ReasonSourceOutsideNamespace, stage.Payments.Namespace)
		}
	})
	t.Run("an image that is not there", func(t *testing.T) {
		run, err := s.Run(ctx, fromRegistry("docker://"+own+":v2", "missing"))
		if err != nil {
			t.Fatal(err)
		}
		custom, err := s.CustomRunOf(ctx, run)
		if err != nil {
			t.Fatal(err)
		}
		if outcome := stage.Outcome(custom.Status.Conditions); outcome.Status != corev1.ConditionFalse || !strings.Contains(outcome.Message, "QP701 source-missing") || !strings.Contains(outcome.Message, "check repository and tag") {
			t.Errorf("%s: %s", outcome.Reason, outcome.Message)
		}
	})
	t.Run("deleted", func(t *testing.T) {
		run, err := s.Tekton.TektonV1().PipelineRuns(stage.Payments.Namespace).Create(ctx, fromRegistry("docker://"+own+":v1", "deleted"), metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		waitUntil(t, ctx, "a TaskRun in custody", func() bool { return len(copiesOf(t, ctx, run.Name)) == 1 })
		if err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Delete(ctx, run.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		gone := within(t, leftover)
		waitUntil(t, gone, "its TaskRun to go with it", func() bool { return len(copiesOf(t, gone, run.Name)) == 0 })
	})
	t.Run("deleted while no controller runs", func(t *testing.T) {
		run, err := s.Run(ctx, fromRegistry("docker://"+own+":v1", "orphan"))
		if err != nil {
			t.Fatal(err)
		}
		scale(t, ctx, 0)
		if err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Delete(ctx, run.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		waitUntil(t, ctx, "Kubernetes to collect the CustomRun", func() bool {
			_, err := s.Tekton.TektonV1beta1().CustomRuns(run.Namespace).Get(ctx, run.Name+"-push", metav1.GetOptions{})
			return apierrs.IsNotFound(err)
		})
		scale(t, ctx, 2)
		waitUntil(t, ctx, "a new leader to find the orphan", func() bool { return len(copiesOf(t, ctx, run.Name)) == 0 })
	})
	t.Run("the locked namespace", testCustodyIsLocked)
}

// testCustodyIsLocked tries in custody what an administrator of it could otherwise do by mistake.
func testCustodyIsLocked(t *testing.T) {
	ctx := within(t, time.Minute)
	task := &pipelinev1.TaskRun{ObjectMeta: metav1.ObjectMeta{GenerateName: "thief-"},
		Spec: pipelinev1.TaskRunSpec{TaskRef: &pipelinev1.TaskRef{Name: "copy-image-quay"}}}
	if _, err := s.Tekton.TektonV1().TaskRuns(stage.Custody).Create(ctx, task, metav1.CreateOptions{}); !apierrs.IsInvalid(err) {
		t.Errorf("a TaskRun by hand: %v, want Invalid", err)
	}
	run := stage.NewPush(stage.Tenant{Namespace: stage.Custody}, stage.Payments.Repository)
	if _, err := s.Tekton.TektonV1().PipelineRuns(stage.Custody).Create(ctx, run, metav1.CreateOptions{}); !apierrs.IsInvalid(err) {
		t.Errorf("a PipelineRun: %v, want Invalid", err)
	}
	if _, err := s.Kube.CoreV1().Pods(stage.Custody).Create(ctx, thief(stage.Payments.Secret), metav1.CreateOptions{}); !apierrs.IsInvalid(err) {
		t.Errorf("a Pod by hand: %v, want Invalid", err)
	}
}

// thief is a Pod that the restricted profile lets in, and that mounts a Secret.
func thief(secret string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "thief-"}, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "x", Image: "x", SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), RunAsNonRoot: new(true), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}}},
		Volumes: []corev1.Volume{{Name: "x", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secret}}}}}}
}

func openInternal(t *testing.T, ctx context.Context) *stage.Quay {
	t.Helper()
	if err := s.CloseInternal(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.CloseInternal(within(t, 3*time.Minute)); err != nil {
			t.Error(err)
		}
	})
	registry, err := s.OpenInternal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	transcript.mustNotHave(registry.Tokens()...)
	return registry
}

// allowCopies does what docs/registry-to-registry.md tells, undoes it after the test, and waits until a push from source runs.
func allowCopies(t *testing.T, ctx context.Context, registry *stage.Quay, source string) {
	t.Helper()
	if out, err := exec.CommandContext(ctx, "kubectl", "apply", "--filename=../../config/copy/").CombinedOutput(); err != nil {
		t.Fatalf("applying config/copy/: %v\n%s", err, out)
	}
	set := func(ctx context.Context, namespace, name, patch string) {
		if _, err := s.Kube.CoreV1().ConfigMaps(namespace).Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		ctx := within(t, 2*time.Minute)
		set(ctx, "quay-push", "config-tenancy", `{"data":{"internal-registries":""}}`)
		set(ctx, "tekton-pipelines", "feature-flags", `{"data":{"set-security-context":"false"}}`)
		if out, err := exec.CommandContext(ctx, "kubectl", "delete", "--filename=../../config/copy/", "--ignore-not-found").CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	if err := s.PutSecret(ctx, stage.Tenant{Namespace: stage.Custody}, "internal-registry", corev1.SecretTypeDockerConfigJson, registry.Credentials()); err != nil {
		t.Fatal(err)
	}
	bundle := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "config-trusted-cabundle"},
		Data: map[string]string{"ca-bundle.crt": string(s.Quay.CA) + string(registry.CA)}}
	if _, err := s.Kube.CoreV1().ConfigMaps(stage.Custody).Create(ctx, bundle, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	// On Kubernetes the restricted profile keeps Tekton's own containers out unless they say that they are restricted.
	set(ctx, "tekton-pipelines", "feature-flags", `{"data":{"set-security-context":"true"}}`)
	set(ctx, "quay-push", "config-tenancy", `{"data":{"internal-registries":"`+stage.InternalRegistry+`"}}`)
	waitUntil(t, ctx, "both settings", func() bool {
		run, err := s.Run(ctx, fromRegistry(source, "first"))
		if err != nil {
			t.Fatal(err)
		}
		outcome := stage.Outcome(run.Status.Conditions)
		if outcome.Status != corev1.ConditionTrue {
			t.Log(outcome.Reason + ": " + outcome.Message)
		}
		return outcome.Status == corev1.ConditionTrue
	})
}

// copiesOf are the TaskRuns in custody of a PipelineRun.
func copiesOf(t *testing.T, ctx context.Context, pipelineRun string) []pipelinev1.TaskRun {
	t.Helper()
	list, err := s.Tekton.TektonV1().TaskRuns(stage.Custody).List(ctx, metav1.ListOptions{LabelSelector: "tekton.dev/pipelineRun=" + pipelineRun})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// scale sets how many replicas of the controller run, and waits until they do.
func scale(t *testing.T, ctx context.Context, replicas int) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	if _, err := s.Kube.AppsV1().Deployments(system).Patch(ctx, "controller", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, ctx, "the replicas", func() bool {
		d, err := s.Kube.AppsV1().Deployments(system).Get(ctx, "controller", metav1.GetOptions{})
		return err == nil && d.Status.ObservedGeneration == d.Generation && int(d.Status.Replicas) == replicas && int(d.Status.ReadyReplicas) == replicas
	})
}
