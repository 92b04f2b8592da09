package pushimage

import (
	"context"
	"fmt"
	"slices"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// mirror hands on how the TaskRun stands.
func (r *Reconciler) mirror(ctx context.Context, v view, task *pipelinev1.TaskRun) error {
	run := v.run
	run.Status.RetriesStatus = attempts(task)
	succeeded := task.Status.GetCondition(apis.ConditionSucceeded)
	switch {
	case succeeded.IsTrue():
		return r.succeed(ctx, v, task)
	case succeeded.IsFalse():
		return r.fail(ctx, v, task)
	case customrun.Leaves(run):
		if err := r.cancel(ctx, task, string(run.Spec.StatusMessage)); err != nil {
			return err
		}
		// Who may write the TaskRun may take that back, of which no event tells.
		return controller.NewRequeueAfter(unseen)
	}
	return r.watchTimeout(ctx, run, task)
}

// succeed hands the results on, all of them or none: a later task that refers to one that is missing would fail the whole
// PipelineRun with a message that does not name the push.
func (r *Reconciler) succeed(ctx context.Context, v view, task *pipelinev1.TaskRun) error {
	results := resultsOf(task)
	promised := v1alpha1.Results
	if v.state.Gate != "" {
		// A Task that does not know the gate's params has looked into nothing.
		promised = append(slices.Clone(promised), v1alpha1.ResultVulnerabilities)
	}
	for _, name := range promised {
		if !slices.ContainsFunc(results, func(r v1beta1.CustomRunResult) bool { return r.Name == name }) {
			return customrun.Failf(v1alpha1.ReasonResultsMissing, "%s", message(fmt.Sprintf(
				"TaskRun %q succeeded without result %q; is the Task that config-tenancy names ours?", task.Name, name), task))
		}
	}
	results, err := r.prove(ctx, v, task, results)
	if err != nil {
		return err
	}
	if err := r.withdraw(ctx, v); err != nil {
		return err
	}
	return r.status.Succeed(ctx, v.run, results, message("pushed", task))
}

func resultsOf(task *pipelinev1.TaskRun) []v1beta1.CustomRunResult {
	var results []v1beta1.CustomRunResult
	for _, result := range task.Status.Results {
		if result.Name == v1alpha1.ResultReceipt {
			continue // The controller's alone to give.
		}
		value := result.Value.StringVal
		if result.Value.Type != pipelinev1.ParamTypeString && result.Value.Type != "" {
			// A CustomRun has strings alone; Tekton reads a JSON array back as one.
			encoded, err := result.Value.MarshalJSON()
			if err != nil {
				continue
			}
			value = string(encoded)
		}
		results = append(results, v1beta1.CustomRunResult{Name: result.Name, Value: value})
	}
	return results
}

// fail hands the TaskRun's reason on, in Tekton's words for a CustomRun where it has its own.
func (r *Reconciler) fail(ctx context.Context, v view, task *pipelinev1.TaskRun) error {
	run := v.run
	why := task.Status.GetCondition(apis.ConditionSucceeded)
	if why.Reason == podEvicted {
		// Tekton may bring it back, and False can't be taken back (tektoncd/pipeline pipelinerun.go, commit 66756befd).
		live, err := r.live(ctx, task.Namespace, task.Name)
		switch {
		case apierrs.IsNotFound(err):
		case err != nil:
			return fmt.Errorf("reading TaskRun %q: %w", task.Name, err)
		case !live.IsDone():
			return nil
		default:
			task, why = live, live.Status.GetCondition(apis.ConditionSucceeded)
			if why.IsTrue() {
				return r.succeed(ctx, v, task)
			}
		}
	}
	run.Status.Results = resultsOf(task)
	reason, text := why.Reason, why.Message
	switch {
	case customrun.Leaves(run):
		return customrun.Left(run)
	case reason == pipelinev1.TaskRunReasonTimedOut.String():
		reason = v1beta1.CustomRunReasonTimedOut.String()
	default:
		text = withFailure(text, run.Status.Results)
	}
	return customrun.Failf(reason, "%s", message(text, task))
}

// podEvicted is the reason that Tekton gives a TaskRun whose Pod was evicted (pkg/pod/status.go).
const podEvicted = "PodEvicted"

// attempts are the TaskRun's earlier ones: what each said and when, not the whole of it.
func attempts(task *pipelinev1.TaskRun) []v1beta1.CustomRunStatus {
	var earlier []v1beta1.CustomRunStatus
	for _, a := range task.Status.RetriesStatus {
		var s v1beta1.CustomRunStatus
		s.StartTime, s.CompletionTime = a.StartTime, a.CompletionTime
		if c := a.GetCondition(apis.ConditionSucceeded); c != nil {
			s.Conditions = duckv1.Conditions{*c}
		}
		earlier = append(earlier, s)
	}
	return earlier
}
