package conformance

import (
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func limit(d time.Duration) func(runtime.Object) {
	return on(func(r *v1beta1.CustomRun) { r.Spec.Timeout = &metav1.Duration{Duration: d} })
}

var timeouts = []Check{
	{ID: "C40", Sentence: "A task's timeout ends the run as CustomRunTimedOut, each attempt for itself", OnCluster: func(t *T, c *Cluster) {
		pr := c.end(c.create("C40"))
		custom, task := c.custom(pr, "push"), c.task(pr, "push")
		c.wantOutcome(custom.Status.Conditions, corev1.ConditionFalse, "CustomRunTimedOut")
		c.wantOutcome(task.Status.Conditions, corev1.ConditionFalse, "TaskRunTimeout")
		if took := custom.Status.CompletionTime.Sub(custom.Status.StartTime.Time); len(task.Status.RetriesStatus) != 1 || took < 2*task.Spec.Timeout.Duration {
			t.Errorf("%d retries in %s, want two attempts of %s each", len(task.Status.RetriesStatus), took, task.Spec.Timeout.Duration)
		}
	}},
	{ID: "C41", Sentence: "No timeout stays none, so that the cluster's default holds; 0 is for ever", InProcess: func(t *T) {
		for name, edit := range map[string]func(runtime.Object){"none": func(runtime.Object) {}, "0": limit(0)} {
			s := pushing(t, edit)
			if got := s.task().Spec.Timeout; (got == nil) != (name == "none") || got != nil && got.Duration != 0 {
				t.Errorf("%s: TaskRun timeout %v", name, got)
			}
			s.pass(1000 * time.Hour)
			if again := s.look(); again != 0 {
				t.Errorf("%s: looks again after %s", name, again)
			}
			s.want(corev1.ConditionUnknown, "Running")
		}
	}},
	{ID: "C42", Sentence: "The timeout also ends a run whose TaskRun nobody starts, and stops that", InProcess: func(t *T) {
		s := pushing(t, limit(time.Minute))
		s.pass(time.Minute)
		s.look()
		s.want(corev1.ConditionFalse, "CustomRunTimedOut", "did not start")
		if !s.task().IsCancelled() {
			t.Error("the TaskRun may start yet")
		}
	}},
	{ID: "C43", Sentence: "It looks again when what is left of the timeout is over, and what an earlier attempt took is not counted", InProcess: func(t *T) {
		s := pushing(t, limit(time.Minute), on(func(r *v1beta1.CustomRun) { r.Spec.Retries = 1 }))
		if s.look(); s.task().IsCancelled() {
			t.Error("it was stopped at once")
		}
		s.pass(40 * time.Second)
		if again := s.look(); again != 20*time.Second {
			t.Errorf("looks again after %s, want 20s", again)
		}
		s.pass(time.Minute)
		task := s.task()
		task.Status.RetriesStatus = []pipelinev1.TaskRunStatus{{TaskRunStatusFields: pipelinev1.TaskRunStatusFields{CompletionTime: &metav1.Time{Time: s.Clock.Now()}}}}
		s.Update(task)
		if again := s.look(); again != time.Minute || s.task().IsCancelled() {
			t.Errorf("looks again after %s, want 1m", again)
		}
		s.want(corev1.ConditionUnknown, "Running")
	}},
}
