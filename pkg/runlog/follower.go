// Package runlog follows what the tasks of a PipelineRun log, those of custom tasks too, which tkn pipelinerun logs leaves out
// (tektoncd/cli#1623).
package runlog

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Follower follows PipelineRuns.
type Follower struct {
	Kube   kubernetes.Interface
	Tekton tekton.Interface
	// Open opens the log of one container.
	Open func(ctx context.Context, namespace, pod string, options *corev1.PodLogOptions) (io.ReadCloser, error)
	// Poll is the time between two looks at what is waited for.
	Poll time.Duration
	// Wait is whether to go on until the run ends, in place of printing what there is.
	Wait bool
	// Out gets what the steps log, Err what is waited for, and why a task has no log.
	Out, Err io.Writer
}

// Follow prints the log of each task, one after the other as they started, and returns the run as it was when the last was printed.
// The error is the API server's, of what was read last, or of Out.
func (f *Follower) Follow(ctx context.Context, namespace, name string) (*pipelinev1.PipelineRun, error) {
	printed := map[string]bool{}
	for {
		// Read before its tasks are: of a run that has ended here, none is missing.
		run, err := f.Tekton.TektonV1().PipelineRuns(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("reading PipelineRun %q: %w", namespace+"/"+name, err)
		}
		tasks, err := f.tasks(ctx, run, printed)
		if err != nil {
			return nil, err
		}
		for _, t := range tasks {
			if err := t.print(ctx, f); err != nil {
				return nil, err
			}
			printed[t.key()] = true
			if f.Wait {
				// Another may have started meanwhile, before the next one of these.
				break
			}
		}
		if !f.Wait || len(tasks) == 0 && run.IsDone() {
			f.skipped(run)
			return run, nil
		}
		if len(tasks) == 0 {
			if err := f.pause(ctx); err != nil {
				return nil, err
			}
		}
	}
}

// Ended says how the run ended, as reason and message; succeeded is false as well while it runs.
func Ended(run *pipelinev1.PipelineRun) (succeeded bool, reason, message string) {
	if c := run.Status.GetCondition(apis.ConditionSucceeded); c != nil {
		return c.IsTrue(), c.Reason, c.Message
	}
	return false, "", "it has not started"
}

// task is one child of a run.
type task interface {
	// key tells it from the run's other children.
	key() string
	begun() time.Time
	// print prints its log, and returns when it has ended.
	print(ctx context.Context, f *Follower) error
}

// tasks reads the children of the run that are not printed yet, in the order in which they began.
func (f *Follower) tasks(ctx context.Context, run *pipelinev1.PipelineRun, printed map[string]bool) ([]task, error) {
	var found []task
	for _, child := range run.Status.ChildReferences {
		if printed[child.Kind+"/"+child.Name] {
			continue
		}
		t, err := f.task(ctx, run.Namespace, child)
		if err != nil {
			return nil, err
		}
		found = append(found, t)
	}
	slices.SortStableFunc(found, func(a, b task) int {
		return cmp.Or(a.begun().Compare(b.begun()), cmp.Compare(a.key(), b.key()))
	})
	return found, nil
}

// skipped tells of the tasks that the run left out, and why.
func (f *Follower) skipped(run *pipelinev1.PipelineRun) {
	for _, t := range run.Status.SkippedTasks {
		f.tell(t.Name, "skipped: "+string(t.Reason))
	}
}

// tell says something about a task to who waits.
func (f *Follower) tell(task, text string) {
	fmt.Fprintf(f.Err, "[%s] %s\n", shown.Line(task), shown.Line(text))
}

// pause waits until it is time to look again.
func (f *Follower) pause(ctx context.Context) error {
	timer := time.NewTimer(f.Poll)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
