package pushimage

import (
	"strings"
	"testing"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

const (
	exited   = `"step-push" exited with code 12`
	noAccess = "QP103 no-access: quay.example.com/team-payments/checkout does not exist: 401; create the repository"
)

// failed returns the message of a run whose TaskRun failed for reason, with the result failure.
func failed(t *testing.T, reason, failure string) string {
	t.Helper()
	w := started(t, payments()...)
	task := reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionFalse, reason, exited)
	task.Status.Results = []pipelinev1.TaskRunResult{{Name: v1alpha1.ResultFailure, Type: pipelinev1.ResultsTypeString, Value: *pipelinev1.NewStructuredValues(failure)}}
	w.Update(task)
	w.Refresh()
	reconcile(t, w)
	if c := condition(w); c.Status != corev1.ConditionFalse {
		t.Fatalf("Succeeded=%s, %s: %s", c.Status, c.Reason, c.Message)
	}
	return condition(w).Message
}

// The message has what the step said: who reads it need not look for the log, which may be in custody.
func TestMessageHasTheStepsFailure(t *testing.T) {
	log := "; log: tkn taskrun logs " + run + " --namespace " + ns
	for name, test := range map[string]struct{ reason, failure, want string }{
		"said":            {"Failed", noAccess, noAccess + " (" + exited + ")" + log},
		"with percent":    {"Failed", "QP104 quota: 100%s full; wait", "QP104 quota: 100%s full; wait (" + exited + ")" + log},
		"nothing said":    {"Failed", " \n", exited + log},
		"timed out":       {"TaskRunTimeout", noAccess, exited + log},
		"control":         {"Failed", "QP1\r\n\x1b[31mred\u202e", "QP1   [31mred (" + exited + ")" + log},
		"far too long":    {"Failed", strings.Repeat("x", 3000), strings.Repeat("x", 1021) + "… (" + exited + ")" + log},
		"cut in a letter": {"Failed", strings.Repeat("é", 1000), strings.Repeat("é", 510) + "… (" + exited + ")" + log},
	} {
		t.Run(name, func(t *testing.T) {
			if got := failed(t, test.reason, test.failure); got != test.want {
				t.Errorf("message\n%q, want\n%q", got, test.want)
			}
		})
	}
}
