package pushimage

import (
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// known are the params that PushImage takes.
var known = []string{v1alpha1.ParamImageRef, v1alpha1.ParamTag, v1alpha1.ParamSource, v1alpha1.ParamDockerconfigSecret}

// mostRetries is how often a push is tried again at most. Each attempt is a Pod, and Tekton keeps all of them in the TaskRun.
const mostRetries = 10

// validate checks what the author wrote, and returns the params by name. The error is a *customrun.Failure.
func validate(run *v1beta1.CustomRun) (map[string]string, error) {
	params, err := customrun.Params(run, v1alpha1.KindPushImage, known...)
	if err != nil {
		return nil, err
	}
	if params[v1alpha1.ParamImageRef] == "" {
		return nil, customrun.Failf(v1alpha1.ReasonInvalidParams, "param %q is missing: name the repository to push to, host/organization/name", v1alpha1.ParamImageRef)
	}
	if run.Spec.Retries > mostRetries {
		return nil, customrun.Failf(v1alpha1.ReasonInvalidParams,
			"retries is %d; a push is tried again at most %d times, write fewer", run.Spec.Retries, mostRetries)
	}
	if copies(params) {
		if len(run.Spec.Workspaces) > 0 {
			return nil, customrun.Failf(v1alpha1.ReasonInvalidWorkspaces,
				"%s with its source in a registry takes no workspace; leave it out", v1alpha1.KindPushImage)
		}
		return params, nil
	}
	return params, validateWorkspaces(run.Spec.Workspaces)
}

func validateWorkspaces(bindings []v1beta1.WorkspaceBinding) error {
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
