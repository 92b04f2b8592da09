package pushimage

import (
	"context"
	"strconv"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

// record counts a push that has ended, once its end is written. A run that was refused before it had a TaskRun is no push.
func (r *Reconciler) record(ctx context.Context, v view) {
	run, s := v.run, v.state
	succeeded := run.Status.GetCondition(apis.ConditionSucceeded)
	if s.TaskRun.UID == "" || run.Status.CompletionTime == nil || succeeded == nil {
		return
	}
	r.metrics.Pushed(ctx, s.Team, succeeded.Reason, run.Status.CompletionTime.Sub(run.Status.StartTime.Time))
	if succeeded.IsTrue() {
		r.metrics.Sent(ctx, s.Team, sent(run))
	}
}

// sent is what the push says that it sent, in bytes. The step is the platform's, its word is good enough to count.
func sent(run *v1beta1.CustomRun) int64 {
	for _, result := range run.Status.Results {
		if result.Name == v1alpha1.ResultPushedBytes {
			if n, err := strconv.ParseInt(result.Value, 10, 64); err == nil && n > 0 {
				return n
			}
		}
	}
	return 0
}
