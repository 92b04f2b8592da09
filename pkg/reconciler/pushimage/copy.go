package pushimage

import (
	"context"
	"fmt"
	"maps"
	"strings"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// copies says whether the run pushes from a registry. Then its TaskRun is in custody, beside the robot's Secret, and no token
// ever is in the tenant's namespace.
func copies(params map[string]string) bool {
	return strings.HasPrefix(params[v1alpha1.ParamSource], tenant.RegistrySource)
}

// copyName is the name of the TaskRun in custody, where the runs of all namespaces meet.
func copyName(uid types.UID) string { return "push-" + string(uid) }

// newCopy returns the TaskRun that pushes from a registry. A tenant decides on nothing of it but the params that were checked:
// not on the Pod, whose neighbours are other teams', nor on labels that something in custody may select.
func newCopy(run *v1beta1.CustomRun, owner *pipelinev1.PipelineRun, params map[string]string, d tenant.Decision, c *config.Config) *pipelinev1.TaskRun {
	task := newTaskRun(run, nil, params, d, d.Secret, c)
	task.Name, task.Namespace, task.OwnerReferences = copyName(run.UID), c.CustodyNamespace, nil
	maps.DeleteFunc(task.Labels, func(key, _ string) bool {
		return !strings.HasPrefix(key, "tekton.dev/") && !strings.HasPrefix(key, v1alpha1.Group+"/")
	})
	task.Annotations = map[string]string{v1alpha1.AnnotationCustomRun: run.Namespace + "/" + run.Name}
	task.Spec.TaskRef = taskRef(c.CopyTask, c.TaskNamespace)
	task.Spec.ServiceAccountName = c.CopyTask
	if owner != nil {
		trace(task, owner)
	}
	return task
}

// customRunOf returns the CustomRun that a TaskRun in custody pushes for.
func customRunOf(task metav1.Object) (types.NamespacedName, bool) {
	namespace, name, err := cache.SplitMetaNamespaceKey(task.GetAnnotations()[v1alpha1.AnnotationCustomRun])
	return types.NamespacedName{Namespace: namespace, Name: name}, err == nil && name != ""
}

// ownerOf returns the CustomRun that the TaskRun says it is of.
func ownerOf(task *pipelinev1.TaskRun) types.NamespacedName {
	if key, ok := customRunOf(task); ok {
		return key
	}
	owner := metav1.GetControllerOfNoCopy(task)
	if owner == nil {
		return types.NamespacedName{}
	}
	return types.NamespacedName{Namespace: task.Namespace, Name: owner.Name}
}

// belongs says whether the TaskRun is the run's. Who could write it into custody is the controller.
func belongs(task *pipelinev1.TaskRun, run *v1beta1.CustomRun) bool {
	if task.Namespace == run.Namespace {
		return metav1.IsControlledBy(task, run)
	}
	key, ok := customRunOf(task)
	return ok && key.Namespace == run.Namespace && key.Name == run.Name && task.Name == copyName(run.UID)
}

// places are where the run's TaskRun can be while nothing is recorded of it.
func (r *Reconciler) places(run *v1beta1.CustomRun) []types.NamespacedName {
	places := []types.NamespacedName{{Namespace: run.Namespace, Name: run.Name}}
	if c := r.config(); len(c.InternalRegistries) > 0 {
		places = append(places, types.NamespacedName{Namespace: c.CustodyNamespace, Name: copyName(run.UID)})
	}
	return places
}

// orphans are the CustomRuns that have a TaskRun in custody: one that went away while nobody led left it behind.
func (r *Reconciler) orphans() (keys []types.NamespacedName) {
	for _, task := range r.inCustody() {
		if key, ok := customRunOf(task); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

func (r *Reconciler) inCustody() []*pipelinev1.TaskRun {
	c := r.config()
	if c.CustodyNamespace == "" {
		return nil
	}
	tasks, _ := r.taskRuns.TaskRuns(c.CustodyNamespace).List(labels.Everything()) // A cache has no error.
	return tasks
}

// ObserveDeletion implements reconciler.OnDeletionInterface: it deletes what a CustomRun that is gone has in custody, as
// Kubernetes does where an owner reference leads. A push that still runs ends with it.
func (r *Reconciler) ObserveDeletion(ctx context.Context, gone types.NamespacedName) error {
	for _, task := range r.inCustody() {
		if key, ok := customRunOf(task); !ok || key != gone {
			continue
		}
		live, err := r.tekton.TektonV1beta1().CustomRuns(gone.Namespace).Get(ctx, gone.Name, metav1.GetOptions{})
		switch {
		case err == nil && copyName(live.UID) == task.Name && customrun.Is(live, v1alpha1.KindPushImage):
			// The cache is behind. One that was made another kind's is as good as gone: nobody would look at it again.
			continue
		case err != nil && !apierrs.IsNotFound(err):
			return fmt.Errorf("reading CustomRun %q: %w", gone, err)
		}
		err = r.tekton.TektonV1().TaskRuns(task.Namespace).Delete(ctx, task.Name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(task.UID))})
		if err != nil && !apierrs.IsNotFound(err) && !apierrs.IsConflict(err) {
			return fmt.Errorf("deleting TaskRun %q: %w", task.Name, err)
		}
	}
	return nil
}
