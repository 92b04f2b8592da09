package cli

import (
	"cmp"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/pushlog"
	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// newRun is what an object says of its push. Whatever is not of the form that it should have is not known.
func newRun(run metav1.Object, owner string, start, end *metav1.Time, succeeded *apis.Condition, params, results map[string]string) *pushlog.Run {
	found := &pushlog.Run{Push: pushlog.Push{Namespace: run.GetNamespace(), Run: cmp.Or(owner, run.GetName()), Bytes: pushlog.UnknownBytes,
		Repository: shown.Short(cmp.Or(results[v1alpha1.ResultImageRef], params[v1alpha1.ParamImageRef]))},
		Tag: params[v1alpha1.ParamTag], Begin: run.GetCreationTimestamp().Time}
	if start != nil {
		found.Begin = start.Time
	}
	found.Time = succeeded.LastTransitionTime.Inner.UTC().Truncate(time.Second)
	if end != nil {
		found.Time = end.UTC().Truncate(time.Second)
	}
	if !succeeded.IsTrue() {
		found.Refused = succeeded.Reason + ": " + succeeded.Message
		return found
	}
	if digest := results[v1alpha1.ResultImageDigest]; reference.IsDigest(digest) {
		found.Digest = digest
	}
	if n, err := strconv.ParseInt(results[v1alpha1.ResultPushedBytes], 10, 64); err == nil && n >= 0 {
		found.Bytes = n
	}
	return found
}

// claim is the team that the labels of a run name; empty if they name none, or several.
func (r *runReader) claim(labels map[string]string) (team string) {
	for _, label := range r.view.config.RunLabels {
		if value := labels[label]; value != "" {
			claimed, err := r.view.config.ParseTeam(value)
			if err != nil || team != "" && claimed != team {
				return ""
			}
			team = claimed
		}
	}
	return team
}

// pipelineRunOf is the PipelineRun that a run says to be of; empty for none.
func pipelineRunOf(run metav1.Object) string {
	if owner := metav1.GetControllerOf(run); owner != nil && owner.Kind == "PipelineRun" {
		return owner.Name
	}
	return ""
}
