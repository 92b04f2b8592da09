package conformance

import (
	"encoding/json"
	"strings"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

var retries = []Check{
	{ID: "C50", Sentence: "retries: 1 gives two attempts, and the task fails after the second", OnCluster: func(t *T, c *Cluster) {
		pr := c.end(c.create("C50"))
		custom, task := c.custom(pr, "push"), c.task(pr, "push")
		if len(task.Status.RetriesStatus) != 1 || len(custom.Status.RetriesStatus) != 1 {
			t.Errorf("the TaskRun was tried again %d times, the CustomRun says %d", len(task.Status.RetriesStatus), len(custom.Status.RetriesStatus))
		}
		c.wantOutcome(custom.Status.Conditions, corev1.ConditionFalse, "StepFailed")
		c.wantOutcome(pr.Status.Conditions, corev1.ConditionFalse, "Failed")
	}},
	{ID: "C51", Sentence: "retriesStatus has one small entry for each failed attempt, and the run goes on between them", InProcess: func(t *T) {
		s := pushing(t, on(func(r *v1beta1.CustomRun) { r.Spec.Retries = 2 }))
		task := s.task()
		attempt := *task.Status.DeepCopy()
		attempt.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionFalse, Reason: "Failed"})
		attempt.TaskSpec = &pipelinev1.TaskSpec{Description: strings.Repeat("x", 100_000)}
		attempt.RetriesStatus = []pipelinev1.TaskRunStatus{{}}
		task.Status.RetriesStatus = []pipelinev1.TaskRunStatus{attempt, attempt}
		task.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionUnknown, Reason: "ToBeRetried"})
		s.Update(task)
		s.look()
		s.want(corev1.ConditionUnknown, "Running")
		s.finish(corev1.ConditionFalse, "Failed", "")
		got := s.run().Status.RetriesStatus
		encoded, err := json.Marshal(got)
		if err != nil || len(got) != 2 || len(encoded) > 1000 || len(got[0].RetriesStatus) > 0 || got[1].Conditions[0].Reason != "Failed" {
			t.Errorf("%d entries in %d bytes, %v: %.300s", len(got), len(encoded), err, encoded)
		}
	}},
	{ID: "C52", Sentence: "Neither a cancelled nor a refused run is tried again", InProcess: func(t *T) {
		again := on(func(r *v1beta1.CustomRun) { r.Spec.Retries = 5 })
		refused(t, v1alpha1.ReasonInvalidParams, again, give("x", "y"))
		s := pushing(t, again)
		s.cancel("")
		s.look()
		s.finish(corev1.ConditionFalse, "TaskRunCancelled", "")
		s.want(corev1.ConditionFalse, "CustomRunCancelled")
	}},
}
