//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// copyLog is what became of the TaskRuns in custody, named by the CustomRun that each pushes for. It is safe for concurrent use.
type copyLog struct {
	sync.Mutex
	begun   []string
	stories map[string][]string
}

// watchCopies records until ctx ends.
func watchCopies(t *testing.T, ctx context.Context) *copyLog {
	t.Helper()
	tasks := s.Tekton.TektonV1().TaskRuns(stage.Custody)
	list, err := tasks.List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := tasks.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	log := &copyLog{stories: map[string][]string{}}
	go func() {
		for event := range w.ResultChan() {
			if task, ok := event.Object.(*pipelinev1.TaskRun); ok {
				log.add(event.Type, task)
			}
		}
	}()
	return log
}

func (l *copyLog) add(what watch.EventType, task *pipelinev1.TaskRun) {
	l.Lock()
	defer l.Unlock()
	run := task.Annotations[v1alpha1.AnnotationCustomRun]
	if what == watch.Added {
		l.begun = append(l.begun, run)
	}
	line := fmt.Sprintf("%s %s", time.Now().Format("15:04:05.000"), what)
	if c := task.Status.GetCondition(apis.ConditionSucceeded); c != nil {
		line += fmt.Sprintf(" %s %s", c.Reason, c.Message)
	}
	l.stories[run] = append(l.stories[run], line)
}

// count returns how many pushes of a namespace have begun.
func (l *copyLog) count(namespace string) int {
	l.Lock()
	defer l.Unlock()
	return countOf(l.begun, namespace)
}

// before returns how many pushes of a namespace had begun when run's did, or -1 if that never did.
func (l *copyLog) before(run, namespace string) int {
	l.Lock()
	defer l.Unlock()
	for i, name := range l.begun {
		if name == run {
			return countOf(l.begun[:i], namespace)
		}
	}
	return -1
}

// story returns what was seen of a run's TaskRun, a line each.
func (l *copyLog) story(run string) string {
	l.Lock()
	defer l.Unlock()
	return strings.Join(l.stories[run], "\n")
}

func countOf(runs []string, namespace string) (n int) {
	for _, run := range runs {
		if strings.HasPrefix(run, namespace+"/") {
			n++
		}
	}
	return n
}
