//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// TestAPIServerDown stops the API server for a minute while pushes go on: no replica can renew its leases, nor can Tekton. When it
// is back every run ends, after at most one push, and as its TaskRun did. What has a Pod before the outage succeeds, and so does what
// comes after it. What Tekton has just begun it may fail for good: it takes a lost connection for the answer when it looks for the
// Task (TaskRunResolutionFailed), or makes the affinity assistant.
func TestAPIServerDown(t *testing.T) {
	const outage, started, begun = time.Minute, 6, 2
	api, ok := stage.APIServer()
	if !ok {
		t.Skip("the API server of $KUBECONFIG is no process of this machine; test/cluster has one")
	}
	ctx := within(t, 9*time.Minute)
	claim := imageVolume(t, ctx)
	seen := watchRuns(t, ctx, stage.Payments.Namespace, "")
	begin := time.Now().UnixNano()
	var runs []*pipelinev1.PipelineRun
	push := func() {
		t.Helper()
		run := stage.From(claim, stage.NewPush(stage.Payments, stage.Payments.Repository))
		run.GenerateName, run.Name = "", fmt.Sprintf("outage-%x-%d", begin, len(runs))
		run.Spec.PipelineSpec.Tasks[0].Params = append(run.Spec.PipelineSpec.Tasks[0].Params,
			pipelinev1.Param{Name: v1alpha1.ParamTag, Value: *pipelinev1.NewStructuredValues(run.Name)})
		run, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Create(ctx, run, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	for range started {
		push()
	}
	for _, run := range runs {
		waitUntil(t, ctx, run.Name+" has a Pod", func() bool {
			task, err := taskOf(ctx, run)
			return err == nil && task.Status.PodName != ""
		})
	}
	for range begun {
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
		t.Logf("%s ended %.1fs after the outage: %s", run.Name, run.Status.CompletionTime.Sub(back).Seconds(), outcome.Reason)
		if mayFail := i >= started && i < started+begun; !outcome.IsTrue() && !mayFail {
			t.Errorf("%s ended with %s: %s", run.Name, outcome.Reason, outcome.Message)
		}
		checkOnePush(t, ctx, run)
	}
	seen.check(t, ctx)
}

// checkOnePush checks of a run that has ended that its CustomRun ended as its TaskRun, and that it pushed once, to the
// tag of its name, if that succeeded.
func checkOnePush(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun) {
	t.Helper()
	custom, err := s.CustomRunOf(ctx, run)
	if apierrs.IsNotFound(err) {
		return // Tekton did not come to make one.
	}
	if err != nil {
		t.Fatal(err)
	}
	task, err := taskOf(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	if task.IsSuccessful() != custom.IsSuccessful() || task.IsDone() != custom.IsDone() {
		t.Errorf("%s: TaskRun %+v, CustomRun %+v", run.Name, task.Status.Conditions, custom.Status.Conditions)
	}
	pods, err := s.PodsOf(ctx, custom)
	if err != nil || pods > 1 || task.IsSuccessful() && pods != 1 {
		t.Errorf("%s had %d Pods, %v", run.Name, pods, err)
	}
	if served, err := s.Quay.TagDigest(ctx, stage.Payments.Repository, run.Name); err != nil || (served != "") != task.IsSuccessful() {
		t.Errorf("tag %s: %q, %v", run.Name, served, err)
	}
}

// taskOf returns the TaskRun of the run's pipeline task push.
func taskOf(ctx context.Context, run *pipelinev1.PipelineRun) (*pipelinev1.TaskRun, error) {
	return s.Tekton.TektonV1().TaskRuns(run.Namespace).Get(ctx, run.Name+"-push", metav1.GetOptions{})
}
