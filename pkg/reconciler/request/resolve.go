package request

import (
	"slices"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// Preflight is whether the registry is asked, too: PreflightTrue or PreflightAllowNew, or empty where it is not.
func (r Request) Preflight() string {
	if asked := r.Params[v1alpha1.ParamPreflight]; asked != v1alpha1.PreflightFalse {
		return asked
	}
	return ""
}

func (r Request) checkResolve() error {
	known := []string{"", v1alpha1.PreflightFalse, v1alpha1.PreflightTrue, v1alpha1.PreflightAllowNew}
	switch asked := r.Params[v1alpha1.ParamPreflight]; {
	case len(r.Run.Spec.Workspaces) > 0:
		return customrun.Failf(v1alpha1.ReasonInvalidWorkspaces, "%s takes no workspace", v1alpha1.KindResolveTenant)
	case !slices.Contains(known, asked):
		return customrun.Failf(v1alpha1.ReasonInvalidParams, "param %q is %.100q; write one of %q", v1alpha1.ParamPreflight, asked, known[1:])
	case r.Preflight() != "" && r.Image() == "":
		return customrun.Failf(v1alpha1.ReasonInvalidParams, "param %q asks about the repository of param %q, which is missing: name it, host/organization/name",
			v1alpha1.ParamPreflight, v1alpha1.ParamImageRef)
	}
	return nil
}
