// Package observer watches what becomes of the runs that are measured, as anybody who may watch them sees it.
package observer

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	"github.com/tektoncd/pipeline/pkg/client/informers/externalversions"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// Run is when what was seen of a CustomRun; a zero time: not yet.
type Run struct {
	Created, Running, TaskRun, Done time.Time
	// Succeeded is how it ended.
	Succeeded bool
	// TaskRuns is how many TaskRuns were ever made for it: one is right.
	TaskRuns int
	// Rewritten is how often its status changed after its end: never is right.
	Rewritten int
}

// Observer has seen runs. It is safe for concurrent use.
type Observer struct {
	mu      sync.Mutex
	runs    map[string]*Run // by namespace and name
	changed chan struct{}   // closed at the next change
	now     func() time.Time
}

// New returns an observer of nothing.
func New() *Observer {
	return &Observer{runs: map[string]*Run{}, changed: make(chan struct{}), now: time.Now}
}

// Watch has the observer see the CustomRuns and TaskRuns with the label until the context ends. It returns once it does.
func (o *Observer) Watch(ctx context.Context, client tekton.Interface, label string) error {
	factory := externalversions.NewSharedInformerFactoryWithOptions(client, 0, externalversions.WithTweakListOptions(
		func(options *metav1.ListOptions) { options.LabelSelector = label + "=true" }))
	customRuns, taskRuns := factory.Tekton().V1beta1().CustomRuns().Informer(), factory.Tekton().V1().TaskRuns().Informer()
	if _, err := customRuns.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { o.customRun(nil, object.(*v1beta1.CustomRun)) },
		UpdateFunc: func(before, after any) { o.customRun(before.(*v1beta1.CustomRun), after.(*v1beta1.CustomRun)) },
	}); err != nil {
		return err
	}
	if _, err := taskRuns.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) { o.taskRun(object.(*pipelinev1.TaskRun)) },
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return fmt.Errorf("watching %v: %w", kind, context.Cause(ctx))
		}
	}
	return nil
}

// see changes what is known of a run.
func (o *Observer) see(namespace, name string, change func(*Run)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := namespace + "/" + name
	if o.runs[key] == nil {
		o.runs[key] = &Run{}
	}
	change(o.runs[key])
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *Observer) customRun(before, after *v1beta1.CustomRun) {
	now := o.now()
	o.see(after.Namespace, after.Name, func(r *Run) {
		first(&r.Created, now, true)
		first(&r.Running, now, len(after.Status.Conditions) > 0)
		first(&r.Done, now, after.IsDone())
		if after.IsDone() {
			r.Succeeded = after.IsSuccessful()
		}
		if before != nil && before.Status.CompletionTime != nil && !reflect.DeepEqual(before.Status, after.Status) {
			r.Rewritten++
		}
	})
}

// taskRun counts a TaskRun for the CustomRun that controls it, whatever its own name.
func (o *Observer) taskRun(task *pipelinev1.TaskRun) {
	owner := metav1.GetControllerOf(task)
	if owner == nil || owner.Kind != "CustomRun" {
		return
	}
	now := o.now()
	o.see(task.Namespace, owner.Name, func(r *Run) {
		first(&r.TaskRun, now, true)
		r.TaskRuns++
	})
}

// first sets at to now at the first time that it is so.
func first(at *time.Time, now time.Time, so bool) {
	if so && at.IsZero() {
		*at = now
	}
}

// Wait waits until met is true of every run of keys, and returns what was seen of them, in their order. What is missing when
// the context ends is in the error.
func (o *Observer) Wait(ctx context.Context, keys []string, met func(Run) bool) ([]Run, error) {
	missing := keys
	for {
		o.mu.Lock()
		missing = o.without(missing, met)
		changed := o.changed
		o.mu.Unlock()
		if len(missing) == 0 {
			return o.Seen(keys), nil
		}
		select {
		case <-ctx.Done():
			return o.Seen(keys), fmt.Errorf("waiting for %d of %d runs, %q among them: %w", len(missing), len(keys), missing[0], context.Cause(ctx))
		case <-changed:
		}
	}
}

// without returns the keys of whose runs met is not true.
func (o *Observer) without(keys []string, met func(Run) bool) (rest []string) {
	for _, key := range keys {
		if r := o.runs[key]; r == nil || !met(*r) {
			rest = append(rest, key)
		}
	}
	return rest
}

// Seen returns what was seen of the runs of keys, in their order.
func (o *Observer) Seen(keys []string) []Run {
	o.mu.Lock()
	defer o.mu.Unlock()
	runs := make([]Run, len(keys))
	for i, key := range keys {
		if r := o.runs[key]; r != nil {
			runs[i] = *r
		}
	}
	return runs
}
