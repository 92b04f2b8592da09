package pushimage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// unseen is how soon a TaskRun is looked at again of which no event may tell.
const unseen = 10 * time.Second

// child returns the TaskRun that the state names, and whether the cache tells of it. That may lag behind, and loses a TaskRun whose
// label somebody removed: before it is called deleted the API server is asked.
func (r *Reconciler) child(ctx context.Context, v view) (task *pipelinev1.TaskRun, seen bool, err error) {
	run, s := v.run, v.state
	namespace := cmp.Or(s.TaskRun.Namespace, run.Namespace)
	task, err = r.taskRuns.TaskRuns(namespace).Get(s.TaskRun.Name)
	seen = err == nil && task.UID == s.TaskRun.UID && task.DeletionTimestamp == nil &&
		ownerOf(task, v.custody()) == types.NamespacedName{Namespace: run.Namespace, Name: run.Name}
	if !seen {
		task, err = r.live(ctx, namespace, s.TaskRun.Name)
	}
	switch {
	case err == nil && task.UID != s.TaskRun.UID && belongs(task, run) && !over(task):
		// A leader that was none any more made it when the first was deleted. The run ends when it has.
		if err := r.cancel(ctx, task, "it is not the TaskRun that its CustomRun records"); err != nil {
			return nil, false, err
		}
		return nil, false, controller.NewRequeueAfter(unseen)
	case apierrs.IsNotFound(err) || err == nil && (task.UID != s.TaskRun.UID || !task.IsDone() && over(task)):
		if customrun.Leaves(run) {
			return nil, false, customrun.Left(run)
		}
		return nil, false, customrun.Failf(v1alpha1.ReasonTaskRunDeleted,
			"TaskRun %q was deleted while it ran; whether it pushed is not known. Run the PipelineRun again: a push that is in the registry is not sent twice", s.TaskRun.Name)
	case err != nil:
		return nil, false, fmt.Errorf("reading TaskRun %q: %w", s.TaskRun.Name, err)
	}
	return task, seen, nil
}

// over reports whether the TaskRun gets no further: it has ended, or is being deleted. Tekton looks at none that is, so that it
// would never end where somebody holds it with a finalizer.
func over(task *pipelinev1.TaskRun) bool { return task.IsDone() || task.DeletionTimestamp != nil }

func (r *Reconciler) live(ctx context.Context, namespace, name string) (*pipelinev1.TaskRun, error) {
	return r.tekton.TektonV1().TaskRuns(namespace).Get(ctx, name, metav1.GetOptions{})
}

// newest makes sure that the cache has the newest of the run. Another leader may have made the TaskRun already, and somebody
// deleted it; or the run has ended. What is made twice is pushed twice.
func (r *Reconciler) newest(ctx context.Context, run *v1beta1.CustomRun) error {
	live, err := r.tekton.TektonV1beta1().CustomRuns(run.Namespace).Get(ctx, run.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading CustomRun %q: %w", run.Name, err)
	}
	if live.UID != run.UID || live.ResourceVersion != run.ResourceVersion {
		// Quietly tried again when the cache has come up.
		return apierrs.NewConflict(v1beta1.Resource("customruns"), run.Name, errors.New("the cache is behind"))
	}
	return nil
}

// create makes the TaskRun, or finds the one that an earlier try made.
func (r *Reconciler) create(ctx context.Context, run *v1beta1.CustomRun, want *pipelinev1.TaskRun) (*pipelinev1.TaskRun, error) {
	task, err := r.tekton.TektonV1().TaskRuns(want.Namespace).Create(ctx, want, metav1.CreateOptions{})
	switch {
	case err == nil:
		return task, nil
	case apierrs.IsAlreadyExists(err):
		return r.adopt(ctx, run, want)
	case refused(err):
		return nil, customrun.Failf(v1alpha1.ReasonTaskRunRefused, "the API server refused TaskRun %q: %v", want.Name, err)
	}
	return nil, fmt.Errorf("creating TaskRun %q: %w", want.Name, err)
}

// refused reports whether trying again can't help. A quota may be free again in a moment, and is Forbidden like a missing right.
func refused(err error) bool {
	return apierrs.IsInvalid(err) || apierrs.IsBadRequest(err) || apierrs.IsForbidden(err) && !strings.Contains(err.Error(), "exceeded quota")
}

// message adds where to look to what is said: tkn pipelinerun logs does not follow a CustomRun (tektoncd/cli#1623).
func message(text string, task *pipelinev1.TaskRun) string {
	if _, ok := customRunOf(task); ok {
		return fmt.Sprintf("%s; the platform team reads the log: tkn taskrun logs %s --namespace %s", text, task.Name, task.Namespace)
	}
	return fmt.Sprintf("%s; log: tkn taskrun logs %s --namespace %s", text, task.Name, task.Namespace)
}
