//go:build e2e

package e2e

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comptech-lab/quay-push/test/stage"
)

// What OpenShift's restricted-v2 gives a Pod: a user id of the namespace's range, which is in no image, and group 0.
func restrictedV2() *corev1.PodSecurityContext {
	const first = 1000680000
	return &corev1.PodSecurityContext{
		RunAsUser: new(int64(first)), RunAsGroup: new(int64(0)), RunAsNonRoot: new(true), FSGroup: new(int64(first)),
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

func TestPushRunsUnderRestrictedV2(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	run := stage.NewRun(stage.Payments, "build-and-push-image", map[string]string{"image-ref": stage.Payments.Repository, "tag": "restricted"})
	run.Spec.TaskRunTemplate = pipelinev1.PipelineTaskRunTemplate{PodTemplate: &pod.Template{SecurityContext: restrictedV2()}}
	run, err := s.Run(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
		t.Fatalf("%s: %s", outcome.Reason, outcome.Message)
	}
	pushed, err := s.Kube.CoreV1().Pods(run.Namespace).Get(ctx, run.Name+"-push-pod", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if u := pushed.Spec.SecurityContext.RunAsUser; u == nil || *u != *restrictedV2().RunAsUser {
		t.Errorf("the push ran as %v", u)
	}
}

// A third replica, of the same Pod template, with what restricted-v2 adds to it.
func TestControllerRunsUnderRestrictedV2(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	deployment, err := s.Kube.AppsV1().Deployments(system).Get(ctx, "controller", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	third := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "restricted-"}, Spec: deployment.Spec.Template.Spec}
	third.Spec.SecurityContext = restrictedV2()
	pods := s.Kube.CoreV1().Pods(system)
	if third, err = pods.Create(ctx, third, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		clean := within(t, time.Minute)
		if err := errors.Join(pods.Delete(clean, third.Name, metav1.DeleteOptions{}), gone(clean, third.Name)); err != nil {
			t.Error(err)
		}
	})
	w, err := pods.Watch(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", third.Name).String()})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		now, ok := event.Object.(*corev1.Pod)
		if ok && slices.ContainsFunc(now.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		}) {
			return
		}
	}
	t.Errorf("never ready: %v", ctx.Err())
}

// onOpenShift checks that Tekton could have made the TaskRuns and the Pods of the run as the account that it has on OpenShift.
func onOpenShift(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun) {
	t.Helper()
	const account = "tekton-pipelines-controller"
	grant(t, account, rule("tekton.dev", "taskruns", "create"))
	grant(t, account, rule("", "pods", "create"))
	there, tekton := newDynamic(t, s.Config), dynamicAs(t, openshiftTekton)
	made := 0
	for _, kind := range []schema.GroupVersionResource{{Group: "tekton.dev", Version: "v1", Resource: "taskruns"}, {Version: "v1", Resource: "pods"}} {
		all, err := there.Resource(kind).Namespace(run.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "tekton.dev/pipelineRun=" + run.Name})
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range all.Items {
			if object.GetLabels()["quay.comptech-lab.com/managed"] != "" && kind.Resource == "taskruns" {
				continue // This one the controller makes.
			}
			name := object.GetName()
			object.SetName("")
			object.SetGenerateName(run.GenerateName)
			object.SetUID("")
			object.SetResourceVersion("")
			unstructured.RemoveNestedField(object.Object, "status")
			unstructured.RemoveNestedField(object.Object, "spec", "nodeName")
			if _, err := tekton.Resource(kind).Namespace(run.Namespace).Create(ctx, &object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
				t.Errorf("%s %s as %s: %v", kind.Resource, name, openshiftTekton, err)
			}
			made++
		}
	}
	// Build, push and overlay have a Pod each; the TaskRun of a PushImage is the controller's.
	if made < 5 {
		t.Errorf("only %d objects of %s were tried", made, run.Name)
	}
}
