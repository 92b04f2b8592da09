// Package customrun is what both of our custom tasks do with a CustomRun: whether it is theirs, what is kept of it in the
// cache, and how its status is written.
package customrun

import (
	"context"
	"fmt"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	"golang.org/x/sync/semaphore"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// maxMessage is the longest condition message in bytes; the object has to stay small.
const maxMessage = 2048

// largeAnswers has the program read one answer at a time that holds all of a CustomRun too large for the cache.
var largeAnswers = semaphore.NewWeighted(1)

// Writer writes the status of CustomRuns, each write one request with the resourceVersion that was read: a conflict is
// returned, and the next reconcile decides again on what it then sees. The generated writer would put the status that was
// computed from a stale cache over a newer one. Only the condition Succeeded is ever set: Tekton takes the first one's
// reason for $(tasks.X.reason).
type Writer struct {
	Client tekton.Interface
	Clock  clock.PassiveClock
}

// Failure is an outcome Succeeded=False. It is final.
type Failure struct {
	// Reason is one of the reasons in package v1alpha1, or Tekton's. Message is for a person, and so is Next: what would help, where
	// that is known apart from the message.
	Reason, Message, Next string
}

// Error returns the text of the condition.
func (f *Failure) Error() string {
	if f.Next == "" {
		return f.Message
	}
	return f.Message + "; " + f.Next
}

// Failf returns a Failure.
func Failf(reason, format string, args ...any) error {
	return &Failure{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Cancelled is the end of a run that was cancelled, also where the pipeline's timeout is why: Tekton tells the two apart by
// spec.statusMessage, and asks for this reason.
func Cancelled(run *v1beta1.CustomRun) error {
	why := string(run.Spec.StatusMessage)
	if why == "" {
		why = "CustomRun was cancelled."
	}
	return &Failure{Reason: v1beta1.CustomRunReasonCancelled.String(), Message: why}
}

// Leaves reports whether the run has to stop.
func Leaves(run *v1beta1.CustomRun) bool { return run.IsCancelled() || run.DeletionTimestamp != nil }

// Left is the end of a run that leaves.
func Left(run *v1beta1.CustomRun) error {
	if run.IsCancelled() {
		return Cancelled(run)
	}
	return Failf(v1beta1.CustomRunReasonCancelled.String(), "CustomRun %q is being deleted", run.Name)
}

// Done reports whether the run has ended. A run that has a completionTime has, whatever its condition says.
func Done(run *v1beta1.CustomRun) bool { return run.Status.CompletionTime != nil || run.IsDone() }

// Running writes that the run goes on.
func (w Writer) Running(ctx context.Context, run *v1beta1.CustomRun, message string) error {
	return w.write(ctx, run, apis.Condition{Status: corev1.ConditionUnknown,
		Reason: v1beta1.CustomRunReasonRunning.String(), Message: message})
}

// Succeed writes the end of the run with its results, in one request: the task that consumes them may be created at once.
// And a Normal event.
func (w Writer) Succeed(ctx context.Context, run *v1beta1.CustomRun, results []v1beta1.CustomRunResult, message string) error {
	run.Status.Results = results
	reason := v1beta1.CustomRunReasonSuccessful.String()
	if err := w.write(ctx, run, apis.Condition{Status: corev1.ConditionTrue, Reason: reason, Message: message}); err != nil {
		return err
	}
	controller.GetEventRecorder(ctx).Event(run, corev1.EventTypeNormal, reason, shown.Cut(message, maxMessage))
	return nil
}

// Fail writes the end of the run, and a Warning event, also on the PipelineRun: it is what its author looks at.
func (w Writer) Fail(ctx context.Context, run *v1beta1.CustomRun, f *Failure) error {
	if err := w.write(ctx, run, apis.Condition{Status: corev1.ConditionFalse, Reason: f.Reason, Message: f.Error()}); err != nil {
		return err
	}
	recorder := controller.GetEventRecorder(ctx)
	recorder.Event(run, corev1.EventTypeWarning, f.Reason, shown.Cut(f.Error(), maxMessage))
	if owner := ownerOf(run); owner != nil && f.Reason != v1alpha1.ReasonUnprovenOwner {
		recorder.Event(owner, corev1.EventTypeWarning, f.Reason, shown.Cut(fmt.Sprintf("CustomRun %q: %s", run.Name, f), maxMessage))
	}
	return nil
}

// ownerOf refers to the PipelineRun that controls the run; nil if none claims to. Nobody has proved the claim.
func ownerOf(run *v1beta1.CustomRun) *corev1.ObjectReference {
	owner := metav1.GetControllerOf(run)
	if owner == nil || owner.Kind != "PipelineRun" {
		return nil
	}
	return &corev1.ObjectReference{APIVersion: owner.APIVersion, Kind: owner.Kind, Namespace: run.Namespace, Name: owner.Name, UID: owner.UID}
}

func (w Writer) write(ctx context.Context, run *v1beta1.CustomRun, succeeded apis.Condition) error {
	now := w.Clock.Now()
	if run.Status.StartTime == nil {
		// Clocks differ, and nothing starts before it was created.
		run.Status.StartTime = &metav1.Time{Time: latest(now, run.CreationTimestamp.Time)}
	}
	if succeeded.Status != corev1.ConditionUnknown {
		run.Status.CompletionTime = &metav1.Time{Time: latest(now, run.Status.StartTime.Time)}
	}
	succeeded.Type, succeeded.Message = apis.ConditionSucceeded, shown.Cut(succeeded.Message, maxMessage)
	run.Status.ObservedGeneration = run.Generation
	run.Status.SetCondition(&succeeded)
	if large(run) != "" {
		if err := largeAnswers.Acquire(ctx, 1); err != nil {
			return fmt.Errorf("waiting to write status of CustomRun %q: %w", run.Name, err)
		}
		defer largeAnswers.Release(1)
	}
	_, err := w.Client.TektonV1beta1().CustomRuns(run.Namespace).UpdateStatus(ctx, run, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("writing status of CustomRun %q: %w", run.Name, err)
	}
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
