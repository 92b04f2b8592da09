//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// TestProvenance has the controller itself ask Quay. As long as it does not trust Quay's certificate it cannot, and no run
// succeeds; with the authority mounted as docs/provenance.md tells, the run that waited does.
func TestProvenance(t *testing.T) {
	ctx := within(t, 4*time.Minute)
	claim := imageVolume(t, ctx)
	configure := func(ctx context.Context, verify bool) {
		patch := fmt.Appendf(nil, `{"data":{"verify-results":"%v"}}`, verify)
		if _, err := s.Kube.CoreV1().ConfigMaps("quay-push").Patch(ctx, "config-tenancy", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { configure(within(t, time.Minute), false) })
	configure(ctx, true)

	run := stage.From(claim, stage.NewPush(stage.Payments, stage.Payments.Repository))
	run, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Create(ctx, run, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	task := waitForPush(t, ctx, run)
	if outcome := stage.Outcome(task.Status.Conditions); outcome.Status != corev1.ConditionTrue {
		t.Fatalf("TaskRun: %s: %s", outcome.Reason, outcome.Message)
	}
	// Without the setting the CustomRun ends within a second of its TaskRun.
	time.Sleep(proofSeen)
	custom, err := s.CustomRunOf(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(custom.Status.Conditions); outcome.Status != corev1.ConditionUnknown {
		t.Errorf("while Quay cannot be asked: %s, %s: %s", outcome.Status, outcome.Reason, outcome.Message)
	}
	trustQuay(t, ctx)
	if run, err = s.Wait(ctx, run); err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
		t.Errorf("with Quay's authority trusted: %s: %s", outcome.Reason, outcome.Message)
	}
	if custom, err = s.CustomRunOf(ctx, run); err != nil {
		t.Fatal(err)
	}
	for _, name := range v1alpha1.Results {
		if !slices.ContainsFunc(custom.Status.Results, func(r v1beta1.CustomRunResult) bool { return r.Name == name && r.Value != "" }) {
			t.Errorf("no result %q in %v", name, custom.Status.Results)
		}
	}
}

// proofSeen is how long the CustomRun is watched to go on.
const proofSeen = 8 * time.Second

// waitForPush waits until the TaskRun of the run's push has ended.
func waitForPush(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun) *pipelinev1.TaskRun {
	t.Helper()
	for {
		task, err := s.Tekton.TektonV1().TaskRuns(run.Namespace).Get(ctx, run.Name+"-push", metav1.GetOptions{})
		if err == nil && task.IsDone() {
			return task
		}
		if err != nil && !apierrs.IsNotFound(err) {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// trustQuay mounts Quay's authority into the controller, until the test ends.
func trustQuay(t *testing.T, ctx context.Context) {
	t.Helper()
	maps, deployments := s.Kube.CoreV1().ConfigMaps("quay-push"), s.Kube.AppsV1().Deployments("quay-push")
	const name = "config-trusted-cabundle"
	if _, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"ca-bundle.crt": string(s.Quay.CA)}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = maps.Delete(within(t, time.Minute), name, metav1.DeleteOptions{}) })
	edit := func(ctx context.Context, change func(*corev1.PodSpec)) {
		if err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
			deployment, err := deployments.Get(ctx, "controller", metav1.GetOptions{})
			if err != nil {
				return err
			}
			change(&deployment.Spec.Template.Spec)
			_, err = deployments.Update(ctx, deployment, metav1.UpdateOptions{})
			return err
		}); err != nil {
			t.Errorf("editing the controller: %v", err)
		}
	}
	var before corev1.PodSpec
	t.Cleanup(func() { edit(within(t, time.Minute), func(spec *corev1.PodSpec) { *spec = before }) })
	edit(ctx, func(spec *corev1.PodSpec) {
		before = *spec.DeepCopy()
		c := &spec.Containers[0]
		c.Env = append(c.Env, corev1.EnvVar{Name: "SSL_CERT_DIR", Value: "/quay-push/ca:/etc/ssl/certs"})
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "ca", MountPath: "/quay-push/ca", ReadOnly: true})
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "ca", VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}}})
	})
}
