package customrun

import (
	"strings"

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

// Slim drops from the cache what nobody reads: of other controllers' CustomRuns, which the API server cannot filter out,
// everything but the reference, and of ours the managed fields and, once they have ended, the rest. It is a
// cache.TransformFunc. Nothing that it returns may be written but with UpdateStatus.
func Slim(object any) (any, error) {
	run, ok := object.(*v1beta1.CustomRun)
	if !ok {
		return object, nil
	}
	run.ManagedFields = nil
	delete(run.Annotations, "kubectl.kubernetes.io/last-applied-configuration")
	if Ours(run) && run.Status.CompletionTime == nil {
		return run, nil
	}
	slim := &v1beta1.CustomRun{ObjectMeta: metav1.ObjectMeta{
		Name: run.Name, Namespace: run.Namespace, UID: run.UID, ResourceVersion: run.ResourceVersion,
	}}
	if version, kind := reference(run); Ours(run) {
		slim.Spec.CustomRef = &v1beta1.TaskRef{APIVersion: version, Kind: v1beta1.TaskKind(kind)}
		slim.Status.CompletionTime = run.Status.CompletionTime
	} else {
		// A copy, since a part of the decoded string would keep the whole of it.
		slim.Spec.CustomRef = &v1beta1.TaskRef{APIVersion: strings.Clone(version), Kind: v1beta1.TaskKind(strings.Clone(kind))}
	}
	return slim, nil
}
