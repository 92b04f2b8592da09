//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

const system = "quay-push"

// kubectl describe pipelinerun tells why.
func TestPipelineRunTellsTheRefusal(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	run, err := s.Run(ctx, stage.NewPush(stage.Platform, stage.Payments.Repository))
	if err != nil {
		t.Fatal(err)
	}
	about := fields.AndSelectors(fields.OneTermEqualSelector("involvedObject.uid", string(run.UID)),
		fields.OneTermEqualSelector("reason", v1alpha1.ReasonImageOutsideOrganization)).String()
	w, err := s.Kube.CoreV1().Events(run.Namespace).Watch(ctx, metav1.ListOptions{FieldSelector: about})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	select {
	case e := <-w.ResultChan():
		event, ok := e.Object.(*corev1.Event)
		if !ok || event.Type != corev1.EventTypeWarning || !strings.Contains(event.Message, stage.Platform.Team) {
			t.Errorf("event %+v", e.Object)
		}
	case <-time.After(10 * time.Second):
		t.Error("no event on the PipelineRun within 10s of its end")
	}
}

// handover is how soon another replica must lead after the leader was asked to stop: one that keeps its lease is waited for
// at least 15 seconds.
const handover = 10 * time.Second

// A leader that is asked to stop gives its leases back, and the run that it had started ends well.
func TestLeaderStops(t *testing.T) {
	ctx := within(t, 4*time.Minute)
	old, err := leader(ctx, "pushimage", func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	run, err := s.Tekton.TektonV1().PipelineRuns(stage.Payments.Namespace).Create(ctx,
		stage.NewRun(stage.Payments, "build-and-push-image", map[string]string{"image-ref": stage.Payments.Repository, "tag": "handover"}), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := s.Kube.CoreV1().Pods(system).Delete(ctx, old, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"pushimage", "resolvetenant"} {
		next, err := leader(ctx, kind, func(pod string) bool { return pod != "" && pod != old })
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		t.Logf("%s: %s leads after %.1fs", kind, next, took.Seconds())
		if took > handover {
			t.Errorf("%s was without a leader for %s", kind, took)
		}
	}
	if run, err = s.Wait(ctx, run); err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
		t.Errorf("the run ended with %s: %s", outcome.Reason, outcome.Message)
	}
	if err := gone(ctx, old); err != nil {
		t.Error(err)
	}
}

// leader waits until a Pod that is wanted holds the lease of kind, and returns its name.
func leader(ctx context.Context, kind string, wanted func(pod string) bool) (string, error) {
	w, err := s.Kube.CoordinationV1().Leases(system).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		lease, ok := event.Object.(*coordinationv1.Lease)
		if !ok || !strings.Contains(lease.Name, ".reconciler."+kind+".") || lease.Spec.HolderIdentity == nil {
			continue
		}
		if pod, _, _ := strings.Cut(*lease.Spec.HolderIdentity, "_"); wanted(pod) {
			return pod, nil
		}
	}
	return "", errors.Join(fmt.Errorf("waiting for a leader of %q", kind), ctx.Err())
}

// gone waits until the Pod has ended.
func gone(ctx context.Context, pod string) error {
	selector := fields.OneTermEqualSelector("metadata.name", pod).String()
	list, err := s.Kube.CoreV1().Pods(system).List(ctx, metav1.ListOptions{FieldSelector: selector})
	if err != nil || len(list.Items) == 0 {
		return err
	}
	w, err := s.Kube.CoreV1().Pods(system).Watch(ctx, metav1.ListOptions{FieldSelector: selector, ResourceVersion: list.ResourceVersion})
	if err != nil {
		return err
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		if event.Type == watch.Deleted {
			return nil
		}
	}
	return fmt.Errorf("waiting for Pod %q to end: %w", pod, ctx.Err())
}
