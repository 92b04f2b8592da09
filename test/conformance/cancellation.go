package conformance

import (
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"

	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

var cancellation = []Check{
	{ID: "C30", Sentence: "A cancel stops the TaskRun once; the run ends when that has, as CustomRunCancelled with the message given", InProcess: func(t *T) {
		for _, why := range []v1beta1.CustomRunSpecStatusMessage{v1beta1.CustomRunCancelledByPipelineMsg, v1beta1.CustomRunCancelledByPipelineTimeoutMsg} {
			s := pushing(t)
			s.cancel(why)
			s.look()
			s.look()
			if got := s.writes(); len(got) != 1 || got[0] != "patch taskruns" || !s.task().IsCancelled() || string(s.task().Spec.StatusMessage) != string(why) {
				t.Errorf("it did %v, TaskRun spec.status %q, %q", got, s.task().Spec.Status, s.task().Spec.StatusMessage)
			}
			s.want(corev1.ConditionUnknown, "Running")
			s.finish(corev1.ConditionFalse, "TaskRunCancelled", "")
			s.want(corev1.ConditionFalse, "CustomRunCancelled", string(why))
		}
	}},
	{ID: "C31", Sentence: "A run that is cancelled before it starts makes no TaskRun", InProcess: func(t *T) {
		s := set(t)
		s.cancel("")
		told := s.explain()
		s.look()
		s.want(corev1.ConditionFalse, "CustomRunCancelled")
		s.wantExplained(told)
		if s.task() != nil {
			t.Error("a TaskRun was made")
		}
	}},
	{ID: "C32", Sentence: "The pipeline's timeout ends the run as CustomRunCancelled, and the PipelineRun as PipelineRunTimeout", OnCluster: func(t *T, c *Cluster) {
		pr := c.end(c.create("C32"))
		custom := c.endCustom(pr, "push")
		c.wantOutcome(custom.Status.Conditions, corev1.ConditionFalse, "CustomRunCancelled")
		c.wantOutcome(pr.Status.Conditions, corev1.ConditionFalse, "PipelineRunTimeout")
		if custom.Spec.StatusMessage != v1beta1.CustomRunCancelledByPipelineTimeoutMsg {
			t.Errorf("statusMessage %q", custom.Spec.StatusMessage)
		}
	}},
	{ID: "C33", Sentence: "A cancel that comes after the TaskRun's success reports the success", InProcess: func(t *T) {
		s := pushing(t)
		s.cancel("")
		s.look()
		s.finish(corev1.ConditionTrue, "Succeeded", "")
		s.want(corev1.ConditionTrue, "Succeeded")
		s.look()
		s.want(corev1.ConditionTrue, "Succeeded")
	}},
	{ID: "C34", Sentence: "A cancel of a TaskRun that ended or went away in the same moment is no error", InProcess: func(t *T) {
		s := pushing(t)
		s.cancel("")
		s.Faults.Before = func(a reconcilertest.Action) error {
			if a == "patch taskruns" && !s.task().IsDone() {
				s.Update(reconcilertest.Finish(s.task(), corev1.ConditionTrue, "Succeeded", ""))
				return apierrs.NewBadRequest("the TaskRun is complete")
			}
			return nil
		}
		if again := s.look(); again <= 0 || again > 10*time.Second {
			t.Errorf("looks again after %s", again)
		}
		s.look()
		s.want(corev1.ConditionTrue, "Succeeded")
		s = pushing(t)
		s.cancel("")
		s.DeleteTaskRun(ns, run)
		s.look()
		s.want(corev1.ConditionFalse, "CustomRunCancelled")
	}},
	{ID: "C35", Sentence: "With CancelledRunFinally, finally tasks start after the push has ended", OnCluster: func(t *T, c *Cluster) {
		pr := c.create("C35")
		c.running(pr, "push")
		c.patch(pr, `{"spec":{"status":"`+pipelinev1.PipelineRunSpecStatusCancelledRunFinally+`"}}`)
		pr = c.end(pr)
		custom, last := c.custom(pr, "push"), c.task(pr, "last")
		c.wantOutcome(custom.Status.Conditions, corev1.ConditionFalse, "CustomRunCancelled")
		c.wantOutcome(c.task(pr, "push").Status.Conditions, corev1.ConditionFalse, "TaskRunCancelled")
		if last.CreationTimestamp.Before(custom.Status.CompletionTime) {
			t.Errorf("the finally task was made %v, the push ended %v", last.CreationTimestamp, custom.Status.CompletionTime)
		}
	}},
}
