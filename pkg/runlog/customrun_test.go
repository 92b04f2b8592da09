package runlog_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// pushed is a run whose push is in custody.
func pushed(t *testing.T) *world {
	w := newWorld(t)
	w.child("CustomRun", "build-push", "push")
	run := w.customRun("build-push", "PushImage", 0, "custody/copy-1", condition(corev1.ConditionTrue, "Succeeded", "pushed; log: tkn taskrun logs"))
	run.Status.Results = []v1beta1.CustomRunResult{{Name: "pushed-bytes", Value: "0"}}
	w.taskRun("custody", "copy-1", "copy-pod", 0, "push")
	w.logs["copy-pod/step-push"] = []io.Reader{log("pushed")}
	w.end()
	return w
}

func TestCustodysLogIsReadByWhoMay(t *testing.T) {
	w := pushed(t)
	_, err := w.follow(t.Context())
	must(t, err)
	w.wants("[push : push] pushed\n", "")
}

func TestCustodysLogIsNotATenants(t *testing.T) {
	w := pushed(t)
	w.tekton.PrependReactor("get", "taskruns", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrs.NewForbidden(corev1.Resource("taskruns"), "copy-1", errors.New("no"))
	})
	_, err := w.follow(t.Context())
	must(t, err)
	w.wants("", `[push] you may not read its log, which is that of TaskRun "copy-1" in namespace "custody"; the platform team may`+"\n")
}

// A push that was refused has no TaskRun, and says why.
func TestRefusalIsShown(t *testing.T) {
	w := newWorld(t)
	w.child("CustomRun", "build-push", "push")
	w.customRun("build-push", "PushImage", 0, "", condition(corev1.ConditionFalse, "NoTenant", "nothing names a team"))
	w.end()
	_, err := w.follow(t.Context())
	must(t, err)
	w.wants("", "[push] NoTenant: nothing names a team\n")
}

// A stranger's custom task may write into its status what it likes: no TaskRun of others is read for it.
func TestStrangersCustomTaskNamesNoTaskRun(t *testing.T) {
	w := newWorld(t)
	w.child("CustomRun", "wait", "approve")
	w.customRun("wait", "ApprovalTask", 0, "custody/copy-1", condition(corev1.ConditionTrue, "Approved", "by anna"))
	w.taskRun("custody", "copy-1", "copy-pod", 0, "push")
	w.logs["copy-pod/step-push"] = []io.Reader{log("pushed")}
	w.end()
	_, err := w.follow(t.Context())
	must(t, err)
	w.wants("", "[approve] Approved: by anna\n")
}

// What a custom task says while it waits is shown once, and its results at the end.
func TestCustomTaskTellsWhatItWaitsFor(t *testing.T) {
	w := newWorld(t)
	w.child("CustomRun", "who", "resolve")
	run := w.customRun("who", "ResolveTenant", time.Minute, "", condition(corev1.ConditionUnknown, "Waiting", "for its turn"))
	looks := 0
	w.tekton.PrependReactor("get", "customruns", func(clienttesting.Action) (bool, runtime.Object, error) {
		if looks++; looks == 4 {
			run.Status.Conditions = condition(corev1.ConditionTrue, "Succeeded", "")
			run.Status.Results = []v1beta1.CustomRunResult{{Name: "team", Value: "payments"}, {Name: "x", Value: "a\nb"}}
			w.end()
		}
		return true, run.DeepCopy(), nil
	})
	_, err := w.follow(t.Context())
	must(t, err)
	w.wants("[resolve : result] team=payments\n", "[resolve] Waiting: for its turn\n")
}
