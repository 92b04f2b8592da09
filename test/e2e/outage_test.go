//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/test/stage"
)

// TestAPIServerDown stops the API server for a minute while pushes go on: the replicas lose their leases, and Tekton its own. When it
// is back, all end well, each after one push.
func TestAPIServerDown(t *testing.T) {
	const outage = time.Minute
	api, ok := stage.APIServer()
	if !ok {
		t.Skip("the API server of $KUBECONFIG is no process of this machine; test/cluster has one")
	}
	ctx := within(t, 9*time.Minute)
	claim := imageVolume(t, ctx)
	seen := watchRuns(t, ctx)
	var runs []*pipelinev1.PipelineRun
	push := func() {
		t.Helper()
		run := stage.From(claim, stage.NewPush(stage.Payments, stage.Payments.Repository))
		run.Spec.PipelineSpec.Tasks[0].Params = append(run.Spec.PipelineSpec.Tasks[0].Params,
			pipelinev1.Param{Name: "tag", Value: *pipelinev1.NewStructuredValues(fmt.Sprintf("outage-%d", len(runs)))})
		run, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Create(ctx, run, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	// Some push, some have just begun.
	for range 6 {
		push()
	}
	waitUntil(t, ctx, "the first push is under way", func() bool {
		task, err := s.Tekton.TektonV1().TaskRuns(stage.Payments.Namespace).Get(ctx, runs[0].Name+"-push", metav1.GetOptions{})
		return err == nil && task.Status.PodName != ""
	})
	for range 2 {
		push()
	}

	goOn := func() {
		if err := api.Signal(syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(goOn)
	if err := api.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	// The outage is the test: there is nothing to wait for but its end.
	<-time.After(outage)
	quick, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	if err := s.Kube.CoreV1().RESTClient().Get().AbsPath("/readyz").Do(quick).Error(); err == nil {
		t.Error("the API server answers while it is stopped")
	}
	goOn()
	back := time.Now()
	waitUntil(t, ctx, "the API server answers", func() bool {
		return s.Kube.CoreV1().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil
	})
	push()

	for i, run := range runs {
		waitUntil(t, ctx, run.Name+" has ended", func() bool {
			now, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Get(ctx, run.Name, metav1.GetOptions{})
			if err == nil {
				run = now
			}
			return err == nil && run.IsDone()
		})
		outcome := stage.Outcome(run.Status.Conditions)
		t.Logf("%s ended %.1fs after the outage", run.Name, run.Status.CompletionTime.Sub(back).Seconds())
		if !outcome.IsTrue() {
			t.Errorf("%s ended with %s: %s", run.Name, outcome.Reason, outcome.Message)
		}
		custom, err := s.CustomRunOf(ctx, run)
		if err != nil {
			t.Fatal(err)
		}
		if pods, err := s.PodsOf(ctx, custom); err != nil || pods != 1 {
			t.Errorf("%s had %d Pods, %v", run.Name, pods, err)
		}
		tag := fmt.Sprintf("outage-%d", i)
		if served, err := s.Quay.TagDigest(ctx, stage.Payments.Repository, tag); err != nil || served == "" {
			t.Errorf("tag %s: %q, %v", tag, served, err)
		}
	}
	seen.check(t, ctx)
}
