package pushimage

import (
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/request"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// copyName is the name of the TaskRun in custody, where the runs of all namespaces meet.
func copyName(uid types.UID) string { return "push-" + string(uid) }

// newCopy returns the TaskRun that pushes from a registry. A tenant decides on nothing of it but the params that were checked:
// not on the Pod, whose neighbours are other teams', nor on labels that something in custody may select.
func newCopy(q request.Request, owner *pipelinev1.PipelineRun, d tenant.Decision, c *config.Config) *pipelinev1.TaskRun {
	run, task := q.Run, newTaskRun(q, nil, d, d.Secret, c)
	task.Name, task.Namespace, task.OwnerReferences = copyName(run.UID), c.CustodyNamespace, nil
	task.Labels = identity(run, owner)
	task.Labels[v1alpha1.LabelManaged], task.Labels[v1alpha1.LabelTeam] = "true", d.Team
	task.Annotations = map[string]string{v1alpha1.AnnotationCustomRun: run.Namespace + "/" + run.Name}
	task.Spec.TaskRef = taskRef(c.CopyTask, c.TaskNamespace)
	task.Spec.ServiceAccountName = c.CopyTask
	task.Spec.Timeout = &metav1.Duration{Duration: copyTimeout(run)}
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

// ownerOf returns the CustomRun that a TaskRun of ours is of, whatever somebody took off it: in the run's namespace both have one
// name, and in custody nobody but the platform has a hand on it.
func ownerOf(task metav1.Object, custody string) types.NamespacedName {
	if key, ok := customRunOf(task); ok && task.GetNamespace() == custody {
		return key
	}
	return types.NamespacedName{Namespace: task.GetNamespace(), Name: task.GetName()}
}

// belongs reports whether the TaskRun is the run's. Who could write it into custody is the controller.
func belongs(task *pipelinev1.TaskRun, run *v1beta1.CustomRun) bool {
	if task.Namespace == run.Namespace {
		return metav1.IsControlledBy(task, run)
	}
	key, ok := customRunOf(task)
	return ok && key.Namespace == run.Namespace && key.Name == run.Name && task.Name == copyName(run.UID)
}

// places are where the run's TaskRun can be while nothing is recorded of it.
func (v view) places() []types.NamespacedName {
	places := []types.NamespacedName{{Namespace: v.run.Namespace, Name: v.run.Name}}
	if len(v.config.InternalRegistries) > 0 {
		places = append(places, types.NamespacedName{Namespace: v.custody(), Name: copyName(v.run.UID)})
	}
	return places
}

// longestCopy is how long one attempt in custody, where all teams' places are, may take.
const longestCopy = time.Hour

// copyTimeout is how long an attempt of the run in custody may take. Tekton hands a PipelineRun's whole timeout on, which may be
// none: so a longer one is no mistake of its author's, and is cut.
func copyTimeout(run *v1beta1.CustomRun) time.Duration {
	if limit := timeout(run); limit > 0 {
		return min(limit, longestCopy)
	}
	return longestCopy
}
