package customrun

import (
	"slices"
	"unique"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// slimTaskRun keeps of a TaskRun whose it is, where it pushes to, and how it goes. Tekton copies the whole Task into the status. The
// label that selects it is anybody's to set: of one that another controls nothing is kept, of one that lost its owner no more than
// maxStray, and of others no more than maxStatus.
func slimTaskRun(task *pipelinev1.TaskRun) *pipelinev1.TaskRun {
	slim := &pipelinev1.TaskRun{ObjectMeta: identity(task.ObjectMeta)}
	slim.CreationTimestamp = metav1.Time{}
	owner := metav1.GetControllerOf(task)
	of, copied := task.Annotations[v1alpha1.AnnotationCustomRun]
	if owner != nil && owner.Kind != "CustomRun" || len(of) > maxWord {
		return slim
	}
	most := maxStatus
	if owner == nil && !copied {
		most = maxStray
	}
	if owner != nil {
		if owner.Name == task.Name {
			owner.Name = task.Name // The same string, once in memory.
		}
		slim.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	if copied {
		slim.Annotations = map[string]string{v1alpha1.AnnotationCustomRun: of}
	}
	slim.Spec.Status = task.Spec.Status
	for _, param := range task.Spec.Params {
		if param.Name == v1alpha1.ParamImageRef {
			slim.Spec.Params = pipelinev1.Params{param}
		}
	}
	slim.Status = attempt(&task.Status)
	slim.Status.Results = slices.Clone(task.Status.Results)
	for i := range slim.Status.Results {
		r := &slim.Status.Results[i]
		r.Name, r.Type, r.Value.Type = shared(r.Name), shared(r.Type), shared(r.Value.Type)
	}
	for _, earlier := range task.Status.RetriesStatus {
		slim.Status.RetriesStatus = append(slim.Status.RetriesStatus, attempt(&earlier))
	}
	if Fits(slim, most) {
		return slim
	}
	// No push of ours has such results, or so many attempts. It ends as its last condition says.
	slim.Spec.Params, slim.Status.Results, slim.Status.RetriesStatus = nil, nil, nil
	if Fits(slim, most) {
		return slim
	}
	return &pipelinev1.TaskRun{ObjectMeta: identity(task.ObjectMeta)}
}

// attempt keeps when one attempt was, and how it went. A list that was decoded has room for more.
func attempt(status *pipelinev1.TaskRunStatus) (slim pipelinev1.TaskRunStatus) {
	slim.Conditions, slim.StartTime, slim.CompletionTime = slices.Clone(status.Conditions), status.StartTime, status.CompletionTime
	for i := range slim.Conditions {
		c := &slim.Conditions[i]
		c.Type, c.Status, c.Reason, c.Message = shared(c.Type), shared(c.Status), shared(c.Reason), shared(shown.Cut(c.Message, maxMessage))
	}
	return slim
}

// shared returns the one copy in memory of a word that thousands of objects have.
func shared[T ~string](s T) T { return unique.Make(s).Value() }
