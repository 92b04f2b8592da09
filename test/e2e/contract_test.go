//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/test/stage"
)

// Tekton tells the pipeline's timeout from a cancel by the message alone: the reason is the same.
func TestPipelineTimeout(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	run := pushOnly(stage.Payments, stage.Payments.Repository)
	run.Spec.Timeouts = &pipelinev1.TimeoutFields{Pipeline: &metav1.Duration{Duration: 10 * time.Second}}
	neverStarts(run)
	run, err := s.Run(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); outcome.Reason != pipelinev1.PipelineRunReasonTimedOut.String() {
		t.Errorf("the PipelineRun ended with %s: %s", outcome.Reason, outcome.Message)
	}
	var custom *v1beta1.CustomRun
	waitUntil(t, ctx, "the CustomRun's end", func() bool {
		custom, err = s.CustomRunOf(ctx, run)
		return err == nil && custom.IsDone()
	})
	if outcome := stage.Outcome(custom.Status.Conditions); outcome.Reason != v1beta1.CustomRunReasonCancelled.String() ||
		custom.Spec.StatusMessage != v1beta1.CustomRunCancelledByPipelineTimeoutMsg {
		t.Errorf("the CustomRun ended with %s, statusMessage %q", outcome.Reason, custom.Spec.StatusMessage)
	}
}

// What anybody could read of a push that went well, and the log of the controller that started it.
func TestNobodyReadsAToken(t *testing.T) {
	ctx := within(t, 4*time.Minute)
	run, err := s.Run(ctx, stage.NewRun(stage.Payments, "build-and-push-image", map[string]string{"image-ref": stage.Payments.Repository, "tag": "token"}))
	if err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
		t.Fatalf("%s: %s", outcome.Reason, outcome.Message)
	}
	read := map[string][]byte{}
	object := func(name string, object any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if read[name], err = json.Marshal(object); err != nil {
			t.Fatal(err)
		}
	}
	log := func(namespace, pod, container string) {
		t.Helper()
		data, err := s.Kube.CoreV1().Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{Container: container}).DoRaw(ctx)
		if err != nil {
			t.Fatal(err)
		}
		read["the log of "+pod] = data
	}
	object("the PipelineRun", run, nil)
	custom, err := s.CustomRunOf(ctx, run)
	object("the CustomRun", custom, err)
	task, err := s.Tekton.TektonV1().TaskRuns(run.Namespace).Get(ctx, custom.Name, metav1.GetOptions{})
	object("the TaskRun", task, err)
	pod, err := s.Kube.CoreV1().Pods(run.Namespace).Get(ctx, task.Status.PodName, metav1.GetOptions{})
	object("the Pod", pod, err)
	events, err := s.Kube.CoreV1().Events(run.Namespace).List(ctx, metav1.ListOptions{})
	object("the events", events, err)
	log(run.Namespace, pod.Name, "step-push")
	for _, replica := range replicas(t, ctx) {
		log(system, replica.Name, "controller")
	}
	for name, text := range read {
		if len(text) == 0 {
			t.Errorf("%s is empty", name)
		}
		for _, token := range s.Quay.Tokens() {
			if bytes.Contains(text, []byte(token)) {
				t.Errorf("%s has a robot's token", name)
			}
		}
	}
}

// A ConfigMap that is wrong changes nothing, and the controller starts without those that are Knative's.
func TestConfigMapsWrongAndMissing(t *testing.T) {
	ctx := within(t, 5*time.Minute)
	client := s.Kube.CoreV1().ConfigMaps(system)
	var kept []*corev1.ConfigMap
	for _, name := range []string{config.Name, "config-leader-election", "config-logging", "config-observability"} {
		c, err := client.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, c)
	}
	t.Cleanup(func() {
		ctx := within(t, 2*time.Minute)
		for _, c := range kept {
			c.ResourceVersion, c.UID = "", ""
			if _, err := client.Update(ctx, c, metav1.UpdateOptions{}); err != nil {
				if _, err := client.Create(ctx, c, metav1.CreateOptions{}); err != nil {
					t.Error(err)
				}
			}
		}
		restart(t)
	})
	wrong := kept[0].DeepCopy()
	wrong.Data["no-such-key"], wrong.Data["registry"] = "x", "quay.example.com"
	if _, err := client.Update(ctx, wrong, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, pod := range replicas(t, ctx) {
		waitUntil(t, ctx, "replica "+pod.Name+" to refuse the ConfigMap", func() bool {
			data, err := s.Kube.CoreV1().Pods(system).GetLogs(pod.Name, &corev1.PodLogOptions{}).DoRaw(ctx)
			return err == nil && bytes.Contains(data, []byte("no-such-key"))
		})
	}
	// The registry is the old one: an image there is still the team's, and its Secret is looked at.
	answered := func() {
		t.Helper()
		refused(t, ctx, pushOnly(stage.Payments, stage.Platform.Repository), "ImageOutsideOrganization", "team-payments")
		run := pushOnly(stage.Payments, stage.Payments.Repository)
		neverStarts(run)
		run, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Create(ctx, run, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		waitForTaskRun(t, ctx, run)
		if err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Delete(ctx, run.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	answered()
	kept[0].ResourceVersion = ""
	if _, err := client.Update(ctx, kept[0], metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range kept[1:] {
		if err := client.Delete(ctx, c.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	restart(t)
	// Without config-leader-election Knative looks at a lease every 10 s, so who leads has to be waited for.
	pods := map[string]bool{}
	for _, pod := range replicas(t, ctx) {
		pods[pod.Name] = true
	}
	if _, err := leader(ctx, "pushimage", func(pod string) bool { return pods[pod] }); err != nil {
		t.Fatal(err)
	}
	answered()
}

// restart does kubectl rollout restart, and waits until no older replica is left.
func restart(t *testing.T) {
	t.Helper()
	ctx := within(t, 2*time.Minute)
	deployments := s.Kube.AppsV1().Deployments(system)
	patch := `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"` + time.Now().UTC().Format(time.RFC3339Nano) + `"}}}}}`
	if _, err := deployments.Patch(ctx, "controller", types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, ctx, "the new replicas", func() bool {
		d, err := deployments.Get(ctx, "controller", metav1.GetOptions{})
		return err == nil && d.Status.ObservedGeneration == d.Generation && d.Status.UpdatedReplicas == *d.Spec.Replicas &&
			d.Status.ReadyReplicas == *d.Spec.Replicas && d.Status.Replicas == *d.Spec.Replicas
	})
}
