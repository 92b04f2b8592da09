package tenancy

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// Owners reads PipelineRuns once for the many CustomRuns that claim one. It is safe for concurrent use.
//
// A read is shared by all who asked before it began, so that none of them gets an older view than a read of its own would give. What
// was read is remembered for a short while beyond that, for the two answers that being late does no harm to:
//   - The CustomRun is not listed yet. That is no answer but a pause, which the view is younger than; after it there is another look.
//   - It is listed, in a view that is younger than the CustomRun by its own creation time, and than the time remembered. A
//     PipelineRun that ends within that time is one that ends just after a read: Tekton then cancels the CustomRun itself, which is
//     read live before the TaskRun is made, and its labels and its list of children only grow.
//
// A refusal, an end and an error are never remembered: a PipelineRun that was deleted and made again has another UID at once.
type Owners struct {
	cluster Cluster
	clock   clock.PassiveClock

	mu      sync.Mutex
	lines   map[types.NamespacedName]*line
	views   map[types.NamespacedName]view
	waiting waiting
}

// NewOwners returns Owners that read from cluster.
func NewOwners(cluster Cluster, now clock.PassiveClock) *Owners {
	return &Owners{cluster: cluster, clock: now, lines: map[types.NamespacedName]*line{}, views: map[types.NamespacedName]view{}, waiting: waiting{}}
}

// line is a read under way and, if somebody came after it had begun, the next.
type line struct{ current, next *flight }

type flight struct {
	done chan struct{}
	view view
	err  error
}

// view is a PipelineRun as it was at began or later. Nobody changes it.
type view struct {
	run   *pipelinev1.PipelineRun
	began time.Time
}

const (
	// remembered is how old a view may be that a CustomRun is proved by, and longestPause that one that it is missing in.
	remembered = time.Second
	// maxViews and maxViewSize bound what is remembered: 4 MiB.
	maxViews, maxViewSize = 64, 64 << 10
)

// read returns the PipelineRun as a read says that began after the call.
func (o *Owners) read(ctx context.Context, key types.NamespacedName) (*pipelinev1.PipelineRun, error) {
	mine := &flight{done: make(chan struct{}), err: fmt.Errorf("reading PipelineRun %q: another reader gave up", key.Name)}
	o.mu.Lock()
	l := o.lines[key]
	switch {
	case l == nil:
		o.lines[key] = &line{current: mine}
		o.mu.Unlock()
		o.fly(ctx, key, mine)
	case l.next == nil:
		l.next = mine
		before := l.current
		o.mu.Unlock()
		o.flyAfter(ctx, key, mine, before)
	default:
		mine = l.next
		o.mu.Unlock()
	}
	select {
	case <-mine.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if mine.err != nil {
		return nil, mine.err
	}
	return mine.view.run.DeepCopy(), nil
}

// flyAfter makes the read of f when that before it is done.
func (o *Owners) flyAfter(ctx context.Context, key types.NamespacedName, f, before *flight) {
	select {
	case <-before.done:
		o.fly(ctx, key, f)
	case <-ctx.Done():
		f.err = ctx.Err()
		o.land(key, f)
	}
}

// fly makes the read of f.
func (o *Owners) fly(ctx context.Context, key types.NamespacedName, f *flight) {
	defer o.land(key, f)
	began := o.clock.Now()
	run, err := o.cluster.PipelineRun(ctx, key.Namespace, key.Name)
	f.view, f.err = view{run, began}, err
}

// land tells those who wait for f, and lets the next one be.
func (o *Owners) land(key types.NamespacedName, f *flight) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f.err == nil {
		o.remember(key, f.view)
	}
	close(f.done)
	l := o.lines[key]
	switch {
	case l.next == f:
		l.next = nil
	case l.next != nil:
		l.current, l.next = l.next, nil
	default:
		delete(o.lines, key)
	}
}

// remember keeps a view that is small, if there is room for it once the old ones are gone. o.mu is held.
func (o *Owners) remember(key types.NamespacedName, v view) {
	delete(o.views, key)
	if len(o.views) >= maxViews {
		for other, old := range o.views {
			if v.began.Sub(old.began) > longestPause {
				delete(o.views, other)
			}
		}
	}
	if len(o.views) < maxViews && customrun.Fits(v.run, maxViewSize) {
		o.views[key] = v
	}
}

// recall returns what is remembered of the PipelineRun; a view without a run if nothing is.
func (o *Owners) recall(key types.NamespacedName) view {
	o.mu.Lock()
	defer o.mu.Unlock()
	v := o.views[key]
	if v.run != nil {
		v.run = v.run.DeepCopy()
	}
	return v
}

// slimPipelineRun keeps what a decision looks at, and what a child takes from the PipelineRun: which task it is of, the trace that it
// is part of, and where its Pods run.
func slimPipelineRun(run *pipelinev1.PipelineRun) *pipelinev1.PipelineRun {
	slim := &pipelinev1.PipelineRun{ObjectMeta: metav1.ObjectMeta{Name: run.Name, Namespace: run.Namespace, UID: run.UID, Labels: run.Labels}}
	for key, value := range run.Annotations {
		if strings.HasPrefix(key, "tekton.dev/") {
			metav1.SetMetaDataAnnotation(&slim.ObjectMeta, key, value)
		}
	}
	slim.Spec.TaskRunTemplate, slim.Spec.TaskRunSpecs = run.Spec.TaskRunTemplate, run.Spec.TaskRunSpecs
	slim.Status.Conditions, slim.Status.SpanContext = run.Status.Conditions, run.Status.SpanContext
	for _, child := range run.Status.ChildReferences {
		if child.Kind == "CustomRun" {
			slim.Status.ChildReferences = append(slim.Status.ChildReferences, pipelinev1.ChildStatusReference{
				TypeMeta: child.TypeMeta, Name: child.Name, PipelineTaskName: child.PipelineTaskName})
		}
	}
	if spec := run.Status.PipelineSpec; spec != nil {
		slim.Status.PipelineSpec = &pipelinev1.PipelineSpec{}
		for _, task := range spec.Finally {
			slim.Status.PipelineSpec.Finally = append(slim.Status.PipelineSpec.Finally, pipelinev1.PipelineTask{Name: task.Name})
		}
	}
	return slim
}
