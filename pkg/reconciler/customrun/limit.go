package customrun

import (
	"fmt"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

const (
	// MaxSize is how large the metadata and the spec of a CustomRun may be in memory, in bytes, without what maxUnread bounds. A push
	// takes one or two KiB; what is more are labels and annotations that Tekton copies from the PipelineRun.
	MaxSize = 16 << 10
	// maxUnread is how large its managed fields and kubectl's copy of it may be, which every answer of the API server holds and
	// nobody reads. kubectl's copy is at most 256 KiB.
	maxUnread = 384 << 10
	// maxStatus is how large a status may be, which we alone write: in it are the results, and an attempt each.
	maxStatus = 64 << 10
)

const (
	lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
	// annotationTooLarge is only in the cache: why a CustomRun of which the cache does not have everything is refused.
	annotationTooLarge = v1alpha1.Group + "/too-large"
)

// limit returns of a run that goes on what may be cached.
func limit(run *v1beta1.CustomRun) *v1beta1.CustomRun {
	unread := []any{run.ManagedFields, run.Annotations[lastApplied]}
	run.ManagedFields = nil
	delete(run.Annotations, lastApplied)
	delete(run.Annotations, annotationTooLarge) // Nobody else's to say.
	if !Fits(run.Status, maxStatus) {
		run.Status = essential(run.Status)
	}
	why := ""
	switch {
	case !Fits(unread, maxUnread):
		why = fmt.Sprintf("its managed fields and annotation %s have more than %d bytes; make them smaller", lastApplied, maxUnread)
	case !Fits([]any{run.ObjectMeta, run.Spec}, MaxSize):
		why = tooLarge(run)
	case len(run.Status.ExtraFields.Raw) == 0:
		return run
	}
	slim := started(run)
	if why != "" {
		slim.Annotations = map[string]string{annotationTooLarge: why}
	}
	return slim
}

// essential is what of a status is always small where we wrote it.
func essential(s v1beta1.CustomRunStatus) (slim v1beta1.CustomRunStatus) {
	slim.StartTime, slim.CompletionTime = s.StartTime, s.CompletionTime
	if len(s.ExtraFields.Raw) <= MaxSize {
		slim.ExtraFields = s.ExtraFields
	}
	return slim
}

// tooLarge names the part of the run that is too large by itself, if there is one.
func tooLarge(run *v1beta1.CustomRun) string {
	part := "its metadata and spec together have"
	for _, one := range []struct {
		name string
		is   any
	}{
		{"its labels have", run.Labels},
		{"its annotations, most of which Tekton copies from the PipelineRun, have", run.Annotations},
		{"its owner references have", run.OwnerReferences},
		{"its finalizers have", run.Finalizers},
		{"its workspaces have", run.Spec.Workspaces},
		{"its params have", run.Spec.Params},
	} {
		if !Fits(one.is, MaxSize) {
			part = one.name
		}
	}
	for _, p := range run.Spec.Params {
		if !Fits(p, MaxSize) {
			part = fmt.Sprintf("param %.100q has", p.Name)
			break
		}
	}
	return fmt.Sprintf("%s more than %d bytes; make the CustomRun smaller", part, MaxSize)
}

// large says why the cache does not have all of the run; "" if it does.
func large(run *v1beta1.CustomRun) string { return run.Annotations[annotationTooLarge] }
