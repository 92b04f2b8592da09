package observer

import (
	"context"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	faketekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned/fake"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"
	_ "knative.dev/pkg/reconciler/testing" // The fake client sends no bookmarks: this turns WatchList off.
)

func customRun(status corev1.ConditionStatus) *v1beta1.CustomRun {
	run := &v1beta1.CustomRun{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "n", Labels: map[string]string{"w": "true"}}}
	if status != "" {
		run.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: status})
	}
	if status == corev1.ConditionTrue {
		run.Status.CompletionTime = &metav1.Time{Time: time.Unix(9, 0)}
	}
	return run
}

func taskRun(name, owner string) *pipelinev1.TaskRun {
	return &pipelinev1.TaskRun{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "n", Labels: map[string]string{"w": "true"},
		OwnerReferences: []metav1.OwnerReference{{Kind: "CustomRun", Name: owner, Controller: new(true)}}}}
}

// Each moment is noted once, when it is first seen.
func TestMoments(t *testing.T) {
	o := New()
	clock := 0
	o.now = func() time.Time {
		clock++
		return time.Unix(int64(clock), 0)
	}
	created, running, ended := customRun(""), customRun(corev1.ConditionUnknown), customRun(corev1.ConditionTrue)
	o.customRun(nil, created)
	o.taskRun(taskRun("a", "a"))
	o.customRun(created, running)
	o.customRun(running, running)
	o.customRun(running, ended)
	o.customRun(ended, ended)
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	want := Run{Created: at(1), TaskRun: at(2), Running: at(3), Done: at(5), Succeeded: true, TaskRuns: 1}
	if got := o.Seen([]string{"n/a"})[0]; got != want {
		t.Errorf("seen %+v, want %+v", got, want)
	}
	// What must not be: another TaskRun, and a change after the end.
	o.taskRun(taskRun("b", "a"))
	o.customRun(ended, running)
	if got := o.Seen([]string{"n/a"})[0]; got.TaskRuns != 2 || got.Rewritten != 1 || got.TaskRun != want.TaskRun || got.Done != want.Done {
		t.Errorf("seen %+v", got)
	}
	// Nobody's.
	o.taskRun(&pipelinev1.TaskRun{ObjectMeta: metav1.ObjectMeta{Name: "x", Namespace: "n"}})
	if got := o.Seen([]string{"n/x"})[0]; got != (Run{}) {
		t.Errorf("seen of nothing %+v", got)
	}
}

func TestWatchAndWait(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	client, o := faketekton.NewSimpleClientset(), New()
	if err := o.Watch(ctx, client, "w"); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = client.TektonV1beta1().CustomRuns("n").Create(ctx, customRun(""), metav1.CreateOptions{})
		_, _ = client.TektonV1().TaskRuns("n").Create(ctx, taskRun("a", "a"), metav1.CreateOptions{})
		_, _ = client.TektonV1beta1().CustomRuns("n").Update(ctx, customRun(corev1.ConditionTrue), metav1.UpdateOptions{})
	}()
	runs, err := o.Wait(ctx, []string{"n/a"}, func(r Run) bool { return !r.Done.IsZero() && r.TaskRuns > 0 })
	if err != nil {
		t.Fatal(err)
	}
	if r := runs[0]; !r.Succeeded || r.Created.IsZero() || r.Rewritten != 0 {
		t.Errorf("seen %+v", r)
	}
}

// Who waits in vain learns for what.
func TestWaitInVain(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	stop(context.DeadlineExceeded)
	_, err := New().Wait(ctx, []string{"n/a", "n/b"}, func(Run) bool { return true })
	if err == nil || !strings.Contains(err.Error(), `2 of 2 runs, "n/a" among them`) {
		t.Errorf("error %v", err)
	}
}
