package customrun

import (
	"context"
	"fmt"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/logging"
)

// How long a run waits before that is asked for again which it lacks, and for how long who is asked may be away.
const (
	Pause    = 5 * time.Second
	Patience = 5 * time.Minute
)

// Setback is what keeps a run from going on.
type Setback struct {
	Failure
	// Passing says that asking again may help, and After how long to wait at least before that.
	Passing bool
	After   time.Duration
}

// Busy is a request to come back for a run that has no turn now. The longer it waits the less often it asks: each time costs reads.
func (w Writer) Busy(run *v1beta1.CustomRun) error {
	age := max(w.Clock.Since(run.CreationTimestamp.Time), 0)
	return controller.NewRequeueAfter(min(max(age/4, time.Second), Pause))
}

// SetBack is what comes of the run: its end; or, while the setback may pass, a request to come back. Of that its condition tells, which
// begins with lacks, once: the first time, when fields are recorded, if they are not nil.
func (w Writer) SetBack(ctx context.Context, run *v1beta1.CustomRun, s Setback, lacks string, fields any) error {
	if !s.Passing || waited(run) && w.Clock.Since(run.Status.StartTime.Time) > Patience {
		return &s.Failure
	}
	pause := max(Pause, min(s.After, Patience))
	logging.FromContext(ctx).Infow("Trying again", "in", pause, "since", lacks, "because", s.Message)
	if !waited(run) {
		if fields != nil {
			if err := run.Status.EncodeExtraFields(fields); err != nil {
				return fmt.Errorf("recording the decision: %w", err)
			}
		}
		if err := w.Running(ctx, run, fmt.Sprintf("%s, it is tried again for %s: %s", lacks, Patience, s.Message)); err != nil {
			return err
		}
	}
	return controller.NewRequeueAfter(pause)
}

// waited reports whether the run has a status, in which its wait began.
func waited(run *v1beta1.CustomRun) bool {
	return run.Status.StartTime != nil && run.Status.GetCondition(apis.ConditionSucceeded) != nil
}
