package request

import (
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// mostRetries is how often a push is tried again at most. Each attempt is a Pod, and Tekton keeps all of them in the TaskRun.
const mostRetries = 10

func (r Request) checkPush() error {
	if r.Image() == "" {
		return customrun.Failf(v1alpha1.ReasonInvalidParams, "param %q is missing: name the repository to push to, host/organization/name", v1alpha1.ParamImageRef)
	}
	if n := r.Run.Spec.Retries; n > mostRetries {
		return customrun.Failf(v1alpha1.ReasonInvalidParams,
			"retries is %d; a push is tried again at most %d times, write fewer", n, mostRetries)
	}
	if err := r.checkGate(); err != nil {
		return err
	}
	if r.Copies() {
		if len(r.Run.Spec.Workspaces) > 0 {
			return customrun.Failf(v1alpha1.ReasonInvalidWorkspaces,
				"%s with its source in a registry takes no workspace; leave it out", v1alpha1.KindPushImage)
		}
		return nil
	}
	return checkWorkspaces(r.Run.Spec.Workspaces)
}

func checkWorkspaces(bindings []v1beta1.WorkspaceBinding) error {
	if len(bindings) != 1 || bindings[0].Name != v1alpha1.WorkspaceSource {
		return customrun.Failf(v1alpha1.ReasonInvalidWorkspaces,
			"%s takes one workspace, %q, with the image in it; %d are bound", v1alpha1.KindPushImage, v1alpha1.WorkspaceSource, len(bindings))
	}
	// The controller would mount for the author what the author may not be allowed to mount.
	if w := bindings[0]; w.Secret != nil || w.Projected != nil || w.CSI != nil && w.CSI.NodePublishSecretRef != nil {
		return customrun.Failf(v1alpha1.ReasonInvalidWorkspaces,
			"workspace %q is bound to a Secret, which holds no image; bind the volume that the build wrote to", v1alpha1.WorkspaceSource)
	}
	return nil
}
