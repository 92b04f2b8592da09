package runlog

import (
	"context"
	"fmt"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// task reads one child of a run.
func (f *Follower) task(ctx context.Context, namespace string, child pipelinev1.ChildStatusReference) (task, error) {
	name := reference{child.Kind, namespace, child.Name, child.PipelineTaskName}
	switch child.Kind {
	case "TaskRun":
		run, err := f.Tekton.TektonV1().TaskRuns(namespace).Get(ctx, child.Name, metav1.GetOptions{})
		if err == nil {
			return taskRun{name, run.CreationTimestamp.Time}, nil
		}
		return name.unreadable(err)
	case "CustomRun":
		run, err := f.Tekton.TektonV1beta1().CustomRuns(namespace).Get(ctx, child.Name, metav1.GetOptions{})
		if err == nil {
			return customRun{name, run.CreationTimestamp.Time}, nil
		}
		return name.unreadable(err)
	}
	return silent{name, "is a " + child.Kind + ", whose log this does not follow"}, nil
}

// reference names a child: its object, and the task of the pipeline that it is of.
type reference struct{ kind, namespace, name, task string }

func (r reference) key() string { return r.kind + "/" + r.name }

// unreadable is a child that is gone, which says nothing any more. Any other error is the API server's.
func (r reference) unreadable(err error) (task, error) {
	if apierrs.IsNotFound(err) {
		return silent{r, fmt.Sprintf("%s %q was deleted, and its log with it", r.kind, r.name)}, nil
	}
	return nil, r.reading(err)
}

func (r reference) reading(err error) error {
	return fmt.Errorf("reading %s %q: %w", r.kind, r.namespace+"/"+r.name, err)
}

// silent is a child that has no log.
type silent struct {
	reference
	why string
}

func (s silent) begun() time.Time { return time.Time{} }

func (s silent) print(_ context.Context, f *Follower) error {
	f.tell(s.task, s.why)
	return nil
}
