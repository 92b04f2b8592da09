package runlog

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

// customRun is a custom task. One of ours may have made a TaskRun, whose log is its own; of any other only the condition is known.
type customRun struct {
	reference
	at time.Time
}

func (c customRun) begun() time.Time { return c.at }

// print prints the log of its TaskRun, and what its condition says whenever that changes.
func (c customRun) print(ctx context.Context, f *Follower) error {
	var told string
	followed := false
	for {
		run, err := f.Tekton.TektonV1beta1().CustomRuns(c.namespace).Get(ctx, c.name, metav1.GetOptions{})
		if apierrs.IsNotFound(err) {
			f.tell(c.task, "its CustomRun was deleted")
			return nil
		} else if err != nil {
			return c.reading(err)
		}
		if made, ok := c.made(run); ok && !followed {
			followed = true
			if err := f.made(ctx, made); err != nil {
				return err
			}
			continue
		}
		condition := run.Status.GetCondition(apis.ConditionSucceeded)
		switch {
		case condition == nil || condition.Message == told || condition.Message == "":
		case followed && !condition.IsFalse(): // The log said it.
		default:
			told = condition.Message
			f.tell(c.task, condition.Reason+": "+told)
		}
		if condition != nil && !condition.IsUnknown() {
			if !followed {
				c.results(f, run)
			}
			return nil
		}
		if !f.Wait {
			return nil
		}
		if err := f.pause(ctx); err != nil {
			return err
		}
	}
}

// made returns the TaskRun that the controller made for a push, as it recorded it, in a status that tenants can't write.
func (c customRun) made(run *v1beta1.CustomRun) (reference, bool) {
	var state struct {
		TaskRun struct{ Namespace, Name string }
	}
	ref := run.Spec.CustomRef
	if ref == nil || ref.APIVersion != v1alpha1.APIVersion || ref.Kind != v1alpha1.KindPushImage ||
		run.Status.DecodeExtraFields(&state) != nil || state.TaskRun.Name == "" {
		return reference{}, false
	}
	return reference{"TaskRun", cmp.Or(state.TaskRun.Namespace, c.namespace), state.TaskRun.Name, c.task}, true
}

// made prints the log of a TaskRun that a custom task made. In custody that is not everybody's to read.
func (f *Follower) made(ctx context.Context, made reference) error {
	err := taskRun{reference: made}.print(ctx, f)
	if apierrs.IsForbidden(err) {
		f.tell(made.task, fmt.Sprintf("you may not read its log, which is that of TaskRun %q in namespace %q; the platform team may", made.name, made.namespace))
		return nil
	}
	return err
}

// results prints what a custom task that logs nothing answered with.
func (c customRun) results(f *Follower, run *v1beta1.CustomRun) {
	for _, r := range run.Status.Results {
		if !strings.Contains(r.Value, "\n") {
			fmt.Fprintln(f.Out, line(c.task, "result", r.Name+"="+r.Value))
		}
	}
}
