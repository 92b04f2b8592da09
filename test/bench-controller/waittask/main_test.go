package main

import (
	"testing"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	clocktesting "k8s.io/utils/clock/testing"
	"knative.dev/pkg/controller"
)

func TestReconcile(t *testing.T) {
	// The status takes its times from the machine's clock.
	clock := clocktesting.NewFakePassiveClock(time.Now())
	r := &reconciler{clock: clock, wait: time.Hour}
	run := &v1beta1.CustomRun{Spec: v1beta1.CustomRunSpec{CustomRef: &v1beta1.TaskRef{APIVersion: apiVersion, Kind: kind}}}
	if again, wait := controller.IsRequeueKey(r.ReconcileKind(t.Context(), run)); !again || wait != time.Hour || !run.HasStarted() || run.IsDone() {
		t.Errorf("first: again %v after %s, status %+v", again, wait, run.Status)
	}
	clock.SetTime(run.Status.StartTime.Add(40 * time.Minute))
	if again, wait := controller.IsRequeueKey(r.ReconcileKind(t.Context(), run)); !again || wait != 20*time.Minute || run.IsDone() {
		t.Errorf("meanwhile: again %v after %s, status %+v", again, wait, run.Status)
	}
	clock.SetTime(run.Status.StartTime.Add(time.Hour))
	if err := r.ReconcileKind(t.Context(), run); err != nil || !run.IsSuccessful() {
		t.Errorf("at last: %v, status %+v", err, run.Status)
	}
	before := run.DeepCopy()
	if err := r.ReconcileKind(t.Context(), run); err != nil || before.Status.CompletionTime != nil && !before.Status.CompletionTime.Equal(run.Status.CompletionTime) {
		t.Errorf("after its end: %v, status %+v", err, run.Status)
	}
}

func TestOthersAreLeftAlone(t *testing.T) {
	r := &reconciler{clock: clocktesting.NewFakePassiveClock(time.Now())}
	for _, run := range []*v1beta1.CustomRun{
		{}, {Spec: v1beta1.CustomRunSpec{CustomRef: &v1beta1.TaskRef{APIVersion: "example.dev/v1", Kind: kind}}},
	} {
		if err := r.ReconcileKind(t.Context(), run); err != nil || run.HasStarted() {
			t.Errorf("%v, status %+v", err, run.Status)
		}
	}
}
