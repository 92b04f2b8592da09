package customrun

import (
	"errors"
	"testing"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	faketekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned/fake"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"knative.dev/pkg/controller"
)

// What does not pass, or has not passed for too long, is the end; a wait is told once, and is as long as who was asked wants.
func TestSetBack(t *testing.T) {
	began := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	setback := func(passing bool, after time.Duration) Setback {
		return Setback{Failure: Failure{Reason: "Away", Message: "nobody answers", Next: "call"}, Passing: passing, After: after}
	}
	for name, test := range map[string]struct {
		setback Setback
		since   time.Duration
		wait    time.Duration // 0: it ends
	}{
		"for good":                   {setback(false, 0), 0, 0},
		"at once":                    {setback(true, 0), 0, Pause},
		"sooner than we would":       {setback(true, time.Second), 0, Pause},
		"as it says":                 {setback(true, 20*time.Second), 0, 20 * time.Second},
		"later than we have time":    {setback(true, time.Hour), 0, Patience},
		"at the last moment":         {setback(true, 0), Patience, Pause},
		"a moment later":             {setback(true, 0), Patience + time.Second, 0},
		"for good, after some time":  {setback(false, 0), time.Minute, 0},
		"still, and it says nothing": {setback(true, 0), time.Minute, Pause},
	} {
		run := &v1beta1.CustomRun{ObjectMeta: metav1.ObjectMeta{Name: "push", Namespace: "apps"}}
		clock := clocktesting.NewFakePassiveClock(began)
		client := faketekton.NewSimpleClientset(run)
		w := Writer{Client: client, Clock: clock}
		if test.since > 0 {
			if again, _ := controller.IsRequeueKey(w.SetBack(t.Context(), run, setback(true, 0), "no answer yet", nil)); !again {
				t.Fatalf("%s: it ends at once", name)
			}
			clock.SetTime(began.Add(test.since))
			client.ClearActions()
		}
		err := w.SetBack(t.Context(), run, test.setback, "no answer yet", map[string]string{"team": "payments"})
		again, wait := controller.IsRequeueKey(err)
		var end *Failure
		if wait != test.wait || again == errors.As(err, &end) || !again && end.Error() != "nobody answers; call" {
			t.Errorf("%s: %v, again %v after %s, want %s", name, err, again, wait, test.wait)
		}
		writes := len(client.Actions())
		if first := again && test.since == 0; first != (writes == 1) {
			t.Errorf("%s: %d writes", name, writes)
		} else if first && (run.Status.Conditions[0].Message != "no answer yet, it is tried again for 5m0s: nobody answers" || string(run.Status.ExtraFields.Raw) != `{"team":"payments"}`) {
			t.Errorf("%s: %+v %s", name, run.Status.Conditions, run.Status.ExtraFields.Raw)
		}
	}
}
