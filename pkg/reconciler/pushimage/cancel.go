package pushimage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// cancel asks Tekton to stop the TaskRun; the CustomRun ends when the TaskRun has. Tekton does not do it by itself, since the
// PipelineRun does not list the TaskRun.
func (r *Reconciler) cancel(ctx context.Context, task *pipelinev1.TaskRun, why string) error {
	if task.IsCancelled() {
		return nil
	}
	spec := map[string]any{"status": pipelinev1.TaskRunSpecStatusCancelled}
	if why != "" {
		spec["statusMessage"] = why
	}
	patch, err := json.Marshal(map[string]any{"spec": spec})
	if err != nil {
		return err
	}
	_, err = r.tekton.TektonV1().TaskRuns(task.Namespace).Patch(ctx, task.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	switch {
	case apierrs.IsInvalid(err) || apierrs.IsBadRequest(err) || apierrs.IsNotFound(err):
		// It ended, or went away, in the same moment: what comes of that is seen with the next look.
		return controller.NewRequeueAfter(time.Second)
	case err != nil:
		return fmt.Errorf("cancelling TaskRun %q: %w", task.Name, err)
	}
	return nil
}

// abandon stops a TaskRun that an earlier try made and died before it could record it, when the run now ends without one. The
// run ends when that has. Only the API server knows of it for sure.
func (r *Reconciler) abandon(ctx context.Context, v view) error {
	if v.state.TaskRun.UID != "" {
		return nil
	}
	for _, place := range v.places() {
		task, err := r.live(ctx, place.Namespace, place.Name)
		switch {
		case apierrs.IsNotFound(err) || err == nil && (!belongs(task, v.run) || over(task)):
			continue
		case err != nil:
			return fmt.Errorf("reading TaskRun %q: %w", place, err)
		}
		if err := r.cancel(ctx, task, "its CustomRun ended before it was recorded"); err != nil {
			return err
		}
		return controller.NewRequeueAfter(unseen)
	}
	return nil
}

// stop stops a TaskRun that goes on after its run has ended: a leader that was none any more made it, or Tekton brought it back.
func (r *Reconciler) stop(ctx context.Context, v view) error {
	for _, place := range v.places() {
		task, err := r.taskRuns.TaskRuns(place.Namespace).Get(place.Name)
		if err != nil || !belongs(task, v.run) || over(task) {
			continue
		}
		return r.cancel(ctx, task, "its CustomRun has ended")
	}
	return nil
}

// timeout is the longest that one attempt may take; 0: as long as Tekton lets the TaskRun.
func timeout(run *v1beta1.CustomRun) time.Duration {
	if run.Spec.Timeout == nil {
		return 0
	}
	return run.Spec.Timeout.Duration
}

// watchTimeout ends a run whose TaskRun nobody started in time, or started again: Tekton clears the start between two attempts.
// One that runs is timed by Tekton.
func (r *Reconciler) watchTimeout(ctx context.Context, run *v1beta1.CustomRun, task *pipelinev1.TaskRun) error {
	limit := timeout(run)
	if task.Namespace != run.Namespace {
		limit = copyTimeout(run)
	}
	if limit <= 0 || task.Status.StartTime != nil || run.Status.StartTime == nil {
		return nil
	}
	since := run.Status.StartTime.Time
	if n := len(task.Status.RetriesStatus); n > 0 && task.Status.RetriesStatus[n-1].CompletionTime != nil {
		since = task.Status.RetriesStatus[n-1].CompletionTime.Time
	}
	if left := limit - r.clock.Since(since); left > 0 {
		return controller.NewRequeueAfter(left)
	}
	// It may have started long ago where the cache lags behind.
	live, err := r.live(ctx, task.Namespace, task.Name)
	if err != nil && !apierrs.IsNotFound(err) {
		return fmt.Errorf("reading TaskRun %q: %w", task.Name, err)
	}
	if err != nil || live.Status.StartTime != nil || len(live.Status.RetriesStatus) > len(task.Status.RetriesStatus) || live.IsDone() {
		return controller.NewRequeueAfter(time.Second)
	}
	if err := r.cancel(ctx, task, "it did not start in time"); err != nil {
		return err
	}
	return customrun.Failf(v1beta1.CustomRunReasonTimedOut.String(), "%s", message(fmt.Sprintf(
		"TaskRun %q did not start within %s; does Tekton's controller run?", task.Name, limit), task))
}
