package runlog_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/pkg/runlog"
)

// three is a run whose build, push and overlay have ended.
func three(t *testing.T) *world {
	w := newWorld(t)
	w.child("TaskRun", "build-overlay", "overlay")
	w.child("CustomRun", "build-push", "push")
	w.child("TaskRun", "build-build", "build")
	w.taskRun(namespace, "build-overlay", "overlay-pod", 2*time.Minute, "update")
	w.taskRun(namespace, "build-push", "push-pod", time.Minute, "push")
	w.customRun("build-push", "PushImage", time.Minute, "/build-push", condition(corev1.ConditionTrue, "Succeeded", ""))
	w.taskRun(namespace, "build-build", "build-pod", 0, "build", "layout")
	w.logs["build-pod/step-build"] = []io.Reader{log("STEP 1", "STEP 2")}
	w.logs["build-pod/step-layout"] = []io.Reader{log("written")}
	w.logs["push-pod/step-push"] = []io.Reader{log("pushed")}
	w.logs["overlay-pod/step-update"] = []io.Reader{log("proposed")}
	return w
}

const allThree = `[build : build] STEP 1
[build : build] STEP 2
[build : layout] written
[push : push] pushed
[overlay : update] proposed
`

func TestFollowPrintsTasksAsTheyBegan(t *testing.T) {
	for _, wait := range []bool{true, false} {
		w := three(t)
		w.wait = wait
		w.end()
		run, err := w.follow(t.Context())
		must(t, err)
		w.wants(allThree, "")
		if succeeded, reason, _ := runlog.Ended(run); !succeeded || reason != "Succeeded" {
			t.Errorf("it ended as %v, %s", succeeded, reason)
		}
		for _, options := range w.opened {
			if options.Follow != wait {
				t.Errorf("the log of %s was opened with follow %v", options.Container, options.Follow)
			}
		}
	}
}

// A run that is looked at from its beginning gets its tasks one by one.
func TestFollowWaitsForWhatComes(t *testing.T) {
	w := three(t)
	children := w.run.Status.ChildReferences
	w.run.Status.ChildReferences = nil
	show := func(i int) func() {
		return func() { w.run.Status.ChildReferences = append(w.run.Status.ChildReferences, children[i]) }
	}
	nothing := func() {}
	w.meanwhile = []func(){nothing, show(2), nothing, nothing, show(1), show(0), func() {
		w.end()
		w.run.Status.SkippedTasks = []pipelinev1.SkippedTask{{Name: "scan", Reason: pipelinev1.WhenExpressionsSkip}}
	}}
	_, err := w.follow(t.Context())
	must(t, err)
	w.wants(allThree, "[scan] skipped: When Expressions evaluated to false\n")
	if len(w.meanwhile) != 0 {
		t.Errorf("it ended before the run did: %d things were still to come", len(w.meanwhile))
	}
}

func TestFollowPrintsWhatThereIs(t *testing.T) {
	w := three(t)
	w.wait = false
	run, err := w.follow(t.Context())
	must(t, err)
	w.wants(allThree, "")
	if succeeded, _, message := runlog.Ended(run); succeeded || message != "it has not started" {
		t.Errorf("of a run without a condition it says %v, %q", succeeded, message)
	}
}

func TestFollowEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.meanwhile = []func(){func() {}, cancel}
	if _, err := w.follow(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

// What is gone, or can't be followed, does not keep the others from being read.
func TestFollowSaysWhyATaskHasNoLog(t *testing.T) {
	w := newWorld(t)
	w.child("TaskRun", "gone", "lint")
	w.child("CustomRun", "gone", "approve")
	w.child("PipelineRun", "inner", "inner")
	w.child("TaskRun", "build-build", "build")
	w.taskRun(namespace, "build-build", "build-pod", 0, "build")
	must(t, w.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("pods"), namespace, "build-pod"))
	w.end()
	_, err := w.follow(t.Context())
	must(t, err)
	w.wants("", `[approve] CustomRun "gone" was deleted, and its log with it
[inner] is a PipelineRun, whose log this does not follow
[lint] TaskRun "gone" was deleted, and its log with it
[build] Pod "build-pod" was deleted, and its log with it
`)
}

// Whoever may not read what he asks for is told what that is.
func TestFollowTellsOfAMissingRight(t *testing.T) {
	for resource, what := range map[string]string{"pods": `reading Pod "apps-payments/build-pod"`, "taskruns": `reading TaskRun "apps-payments/build-build"`} {
		w := newWorld(t)
		w.child("TaskRun", "build-build", "build")
		w.taskRun(namespace, "build-build", "build-pod", 0, "build")
		forbid := func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrs.NewForbidden(corev1.Resource(resource), "it", errors.New("no"))
		}
		w.kube.PrependReactor("get", resource, forbid)
		w.tekton.PrependReactor("get", resource, forbid)
		w.end()
		_, err := w.follow(t.Context())
		if !apierrs.IsForbidden(err) || !strings.HasPrefix(err.Error(), what+": ") {
			t.Errorf("without the right to read %s: %v", resource, err)
		}
	}
}
