//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"github.com/tektoncd/pipeline/pkg/client/informers/externalversions"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/comptech-lab/quay-push/test/stage"
)

// history is what the API server showed of a namespace's CustomRuns and TaskRuns, those with named in their names.
type history struct {
	named string
	sync.Mutex
	taskRuns map[types.UID]map[types.UID]bool // by the UID of the CustomRun
	ends     map[types.UID]string
	bad      []string
	open     map[types.UID]string
}

// watchRuns records until the end of the test, also over the end of a connection. Where named is empty it is every run.
func watchRuns(t *testing.T, ctx context.Context, namespace, named string) *history {
	t.Helper()
	h := &history{named: named, taskRuns: map[types.UID]map[types.UID]bool{}, ends: map[types.UID]string{}, open: map[types.UID]string{}}
	factory := externalversions.NewSharedInformerFactoryWithOptions(s.Tekton, 0, externalversions.WithNamespace(namespace))
	ctx, stop := context.WithCancel(ctx)
	t.Cleanup(func() {
		stop()
		factory.Shutdown()
	})
	for _, informer := range []cache.SharedIndexInformer{factory.Tekton().V1().TaskRuns().Informer(), factory.Tekton().V1beta1().CustomRuns().Informer()} {
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: h.record, UpdateFunc: func(_, object any) { h.record(object) }, DeleteFunc: h.deleted}); err != nil {
			t.Fatal(err)
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	return h
}

func (h *history) record(object any) {
	if run, ok := object.(metav1.Object); !ok || !strings.Contains(run.GetName(), h.named) {
		return
	}
	h.Lock()
	defer h.Unlock()
	switch run := object.(type) {
	case *pipelinev1.TaskRun:
		if owner := metav1.GetControllerOf(run); owner != nil && owner.Kind == "CustomRun" {
			if h.taskRuns[owner.UID] == nil {
				h.taskRuns[owner.UID] = map[types.UID]bool{}
			}
			h.taskRuns[owner.UID][run.UID] = true
		}
	case *v1beta1.CustomRun:
		outcome := stage.Outcome(run.Status.Conditions)
		end := fmt.Sprintf("%s %s %v", outcome.Status, outcome.Reason, run.Status.CompletionTime)
		if before, ended := h.ends[run.UID]; ended && before != end {
			h.bad = append(h.bad, fmt.Sprintf("CustomRun %s ended twice: %s, then %s", run.Name, before, end))
		}
		if outcome.Status == corev1.ConditionUnknown {
			h.open[run.UID] = run.Name
			return
		}
		h.ends[run.UID] = end
		delete(h.open, run.UID)
	}
}

func (h *history) deleted(object any) {
	if unseen, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unseen.Obj
	}
	h.record(object)
	if run, ok := object.(*v1beta1.CustomRun); ok {
		h.Lock()
		defer h.Unlock()
		delete(h.open, run.UID)
	}
}

// check waits until all have ended, and holds what was seen against what must be. It returns how many ended in each way.
func (h *history) check(t *testing.T, ctx context.Context) map[string]int {
	t.Helper()
	waitUntil(t, ctx, "all CustomRuns have ended", func() bool {
		h.Lock()
		defer h.Unlock()
		return len(h.open) == 0
	})
	h.Lock()
	defer h.Unlock()
	for _, bad := range h.bad {
		t.Error(bad)
	}
	for owner, tasks := range h.taskRuns {
		if len(tasks) > 1 {
			t.Errorf("CustomRun %s had %d TaskRuns", owner, len(tasks))
		}
	}
	ends := map[string]int{}
	for _, end := range h.ends {
		var status, reason string
		if _, err := fmt.Sscan(end, &status, &reason); err == nil {
			ends[status+" "+reason]++
		}
	}
	t.Logf("%d CustomRuns, %d with a TaskRun; ends: %v", len(h.ends), len(h.taskRuns), ends)
	return ends
}
