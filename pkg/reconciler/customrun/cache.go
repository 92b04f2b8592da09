package customrun

import (
	"slices"
	"strings"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Ours reports whether the CustomRun is for our group. One of a version or kind that we do not serve is answered, too: nobody else
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

// Is reports whether the controller of kind answers the CustomRun: that of PushImage refuses what no other knows, see Params.
func Is(run *v1beta1.CustomRun, kind string) bool {
	_, got := reference(run)
	return Ours(run) && (got == kind || kind == v1alpha1.KindPushImage && got != v1alpha1.KindResolveTenant)
}

// Slim strips an object before it is cached, and may change it. Nothing that it returns may be written but with UpdateStatus of a
// CustomRun that has not ended: the API server takes nothing but the status from that.
func Slim(object any) (any, error) {
	switch object := object.(type) {
	case *v1beta1.CustomRun:
		return slimCustomRun(object), nil
	case *pipelinev1.TaskRun:
		return slimTaskRun(object), nil
	case *corev1.Namespace:
		return slimNamespace(object), nil
	}
	return object, nil
}

// slimCustomRun keeps what the run's next step takes, and of no run more than MaxSize: all of one that waits to be decided, see
// limit; how to end one whose TaskRun was made, or that is being deleted; and that there is one that ended. Until somebody takes his
// finalizer away, that one stays.
func slimCustomRun(run *v1beta1.CustomRun) *v1beta1.CustomRun {
	switch {
	case !Ours(run):
		return &v1beta1.CustomRun{ObjectMeta: identity(run.ObjectMeta)}
	case run.Status.CompletionTime != nil:
		gone := &v1beta1.CustomRun{ObjectMeta: identity(run.ObjectMeta)}
		gone.Spec.CustomRef = sharedReference(reference(run))
		gone.Status.CompletionTime = run.Status.CompletionTime
		return gone
	}
	return limit(run)
}

// started keeps what the end of a run is made of once its TaskRun was: what that pushes is in the TaskRun.
func started(run *v1beta1.CustomRun) *v1beta1.CustomRun {
	slim := &v1beta1.CustomRun{ObjectMeta: identity(run.ObjectMeta), Status: run.Status}
	slim.Generation = run.Generation
	if owner := metav1.GetControllerOf(run); owner != nil && len(owner.APIVersion+owner.Kind+owner.Name)+len(owner.UID) <= maxWord {
		slim.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	slim.Spec.CustomRef = sharedReference(reference(run))
	slim.Spec.Status, slim.Spec.StatusMessage = run.Spec.Status, v1beta1.CustomRunSpecStatusMessage(shown.Cut(string(run.Spec.StatusMessage), maxMessage))
	if len(slim.Spec.Status) > maxWord {
		slim.Spec.Status = ""
	}
	slim.Spec.Timeout, slim.Spec.Retries = run.Spec.Timeout, run.Spec.Retries
	return slim
}

// identity is what tells an object from all others, and when it came and goes.
func identity(from metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: from.Name, Namespace: from.Namespace, UID: from.UID, ResourceVersion: from.ResourceVersion,
		CreationTimestamp: from.CreationTimestamp, DeletionTimestamp: from.DeletionTimestamp}
}

// slimNamespace keeps what policies select by and tenants are named by. Who may make projects may annotate them.
func slimNamespace(namespace *corev1.Namespace) *corev1.Namespace {
	slim := &corev1.Namespace{ObjectMeta: identity(namespace.ObjectMeta)}
	slim.Labels = namespace.Labels
	return slim
}

// known are the references that thousands of CustomRuns have, once in memory.
var known = []*v1beta1.TaskRef{
	{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KindPushImage},
	{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KindResolveTenant},
}

// maxWord is the longest that a name of Kubernetes can be, in bytes.
const maxWord = 1024

// sharedReference returns a reference that nobody may change. What no kind of ours can be is cut.
func sharedReference(apiVersion, kind string) *v1beta1.TaskRef {
	at := slices.IndexFunc(known, func(one *v1beta1.TaskRef) bool { return one.APIVersion == apiVersion && string(one.Kind) == kind })
	if at >= 0 {
		return known[at]
	}
	return &v1beta1.TaskRef{APIVersion: cut(apiVersion), Kind: v1beta1.TaskKind(cut(kind))}
}

// cut returns at most maxWord bytes of s, which do not keep the rest in memory.
func cut(s string) string { return strings.Clone(s[:min(len(s), maxWord)]) }
