package pushimage

import (
	"context"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"knative.dev/pkg/apis"
)

// record counts a push that has ended, once its end is written. A run that was refused before it had a TaskRun is no push.
func (r *Reconciler) record(ctx context.Context, run *v1beta1.CustomRun) {
	s, err := stateOf(run)
	succeeded := run.Status.GetCondition(apis.ConditionSucceeded)
	if err != nil || s.TaskRun.UID == "" || run.Status.CompletionTime == nil || succeeded == nil {
		return
	}
	r.metrics.Pushed(ctx, s.Team, succeeded.Reason, run.Status.CompletionTime.Sub(run.Status.StartTime.Time))
}
