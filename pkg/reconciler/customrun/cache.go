package customrun

import (
	"strings"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

// Ours says whether the CustomRun is for our group. One of a version or kind that we do not serve is answered, too: nobody else
// would, and its PipelineRun would wait until its timeout.
func Ours(run *v1beta1.CustomRun) bool {
	version, _ := reference(run)
	return strings.HasPrefix(version, v1alpha1.Group+"/")
}

func reference(run *v1beta1.CustomRun) (apiVersion, kind string) {
	switch {
	case run.Spec.CustomRef != nil:
		return run.Spec.CustomRef.APIVersion, string(run.Spec.CustomRef.Kind)
	case run.Spec.CustomSpec != nil:
		return run.Spec.CustomSpec.APIVersion, run.Spec.CustomSpec.Kind
	}
	return "", ""
}

// Is says whether the controller of kind answers the CustomRun: that of PushImage refuses what no other knows, see Params.
func Is(run *v1beta1.CustomRun, kind string) bool {
	_, got := reference(run)
	return Ours(run) && (got == kind || kind == v1alpha1.KindPushImage && got != v1alpha1.KindResolveTenant)
}

// Slim drops from the cache what nobody reads: of our CustomRuns the managed fields and, once they have ended, the rest; of other
// controllers', of which none should come, everything but the name; and of our TaskRuns all that no end of a run is made of. It is a cache.TransformFunc. Nothing that it returns may be written but with UpdateStatus of a CustomRun
// that has not ended.
func Slim(object any) (any, error) {
	switch object := object.(type) {
	case *v1beta1.CustomRun:
		return slimCustomRun(object), nil
	case *pipelinev1.TaskRun:
		return slimTaskRun(object), nil
	}
	return object, nil
}

func slimCustomRun(run *v1beta1.CustomRun) *v1beta1.CustomRun {
	ours := Ours(run)
	if ours && run.Status.CompletionTime == nil {
		run.ManagedFields = nil
		delete(run.Annotations, "kubectl.kubernetes.io/last-applied-configuration")
		return run
	}
	slim := &v1beta1.CustomRun{ObjectMeta: metav1.ObjectMeta{Name: run.Name, Namespace: run.Namespace, ResourceVersion: run.ResourceVersion}}
	if ours {
		slim.UID = run.UID
		slim.Spec.CustomRef = sharedReference(reference(run))
		slim.Status.CompletionTime = run.Status.CompletionTime
	}
	return slim
}

// known are the references that thousands of CustomRuns have, once in memory.
var known = []*v1beta1.TaskRef{
	{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KindPushImage},
	{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KindResolveTenant},
}

// sharedReference returns a reference that nobody may change.
func sharedReference(apiVersion, kind string) *v1beta1.TaskRef {
	for _, one := range known {
		if one.APIVersion == apiVersion && string(one.Kind) == kind {
			return one
		}
	}
	return &v1beta1.TaskRef{APIVersion: apiVersion, Kind: v1beta1.TaskKind(kind)}
}
