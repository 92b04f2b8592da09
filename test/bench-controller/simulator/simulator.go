// Package simulator does to the API server what Tekton, and the people who use it, would: it makes PipelineRuns and their
// CustomRuns, and brings the TaskRuns that the controller makes to their end, with every write that Tekton is known to make.
package simulator

import (
	"context"
	"fmt"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	"github.com/tektoncd/pipeline/pkg/client/informers/externalversions"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/client-go/util/workqueue"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

// What Tekton's controller has at a time: threads, and writes a second.
const (
	threads         = 16
	writesPerSecond = 200
)

// Tekton is the controller that is simulated.
type Tekton struct {
	client tekton.Interface
	task   *pipelinev1.Task
	limit  flowcontrol.RateLimiter
}

// New returns a Tekton that acts through client, with the Task of the repository at root.
func New(client tekton.Interface, root string) (*Tekton, error) {
	task, err := readTask(root)
	return &Tekton{client: client, task: task, limit: flowcontrol.NewTokenBucketRateLimiter(writesPerSecond, writesPerSecond)}, err
}

// Start has every TaskRun that is watched brought to its end until the context ends; failed is called with what goes wrong.
// It returns once TaskRuns are seen.
func (t *Tekton) Start(ctx context.Context, failed func(error)) error {
	queue := workqueue.NewTyped[*pipelinev1.TaskRun]()
	factory := externalversions.NewSharedInformerFactoryWithOptions(t.client, 0, externalversions.WithTweakListOptions(
		func(o *metav1.ListOptions) { o.LabelSelector = LabelWatched + "=true" }))
	taskRuns := factory.Tekton().V1().TaskRuns().Informer()
	if _, err := taskRuns.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(object any) {
		if task := object.(*pipelinev1.TaskRun); !task.IsDone() {
			queue.Add(task)
		}
	}}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), taskRuns.HasSynced) {
		return ctx.Err()
	}
	context.AfterFunc(ctx, queue.ShutDown)
	for range threads {
		go func() {
			for {
				task, done := queue.Get()
				if done {
					return
				}
				if err := t.finish(ctx, task); err != nil && ctx.Err() == nil && !apierrs.IsNotFound(err) {
					failed(fmt.Errorf("simulating Tekton on TaskRun %q: %w", task.Name, err))
				}
				queue.Done(task)
			}
		}()
	}
	return nil
}

// finish writes the TaskRun's status as often as Tekton would.
func (t *Tekton) finish(ctx context.Context, task *pipelinev1.TaskRun) (err error) {
	task = task.DeepCopy()
	for _, write := range profile(t.task, repositoryOf(task)) {
		if err := t.limit.Wait(ctx); err != nil {
			return err
		}
		write(&task.Status, metav1.NewTime(time.Now()))
		if task, err = t.client.TektonV1().TaskRuns(task.Namespace).UpdateStatus(ctx, task, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// repositoryOf is what the TaskRun pushes to.
func repositoryOf(task *pipelinev1.TaskRun) string {
	for _, param := range task.Spec.Params {
		if param.Name == v1alpha1.ParamImageRef {
			return param.Value.StringVal
		}
	}
	return ""
}
