// Package request is what a CustomRun of ours asks for, checked before anything of a tenant's is touched, and where the Secret is that
// it would push with. The controllers decide with it, and tkn quay explain tells by it what they would decide.
package request

import (
	"strings"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// Request is what a CustomRun asks for. Read returns one that is checked.
type Request struct {
	// Run is the CustomRun, Kind ours that it is of.
	Run  *v1beta1.CustomRun
	Kind string
	// Params are the CustomRun's, by name.
	Params map[string]string
}

// Params are the params that each kind takes.
var Params = map[string][]string{
	v1alpha1.KindPushImage:     append([]string{v1alpha1.ParamImageRef, v1alpha1.ParamTag, v1alpha1.ParamSource, v1alpha1.ParamDockerconfigSecret}, GateParams...),
	v1alpha1.KindResolveTenant: {v1alpha1.ParamImageRef, v1alpha1.ParamDockerconfigSecret},
}

// Read checks that the run goes on, and what its author wrote of kind, params and workspaces. The run is one of ours, as customrun.Slim
// leaves it. The error is a *customrun.Failure.
func Read(run *v1beta1.CustomRun) (Request, error) {
	if customrun.Leaves(run) {
		return Request{}, customrun.Left(run)
	}
	r := Request{Run: run, Kind: v1alpha1.KindPushImage}
	if customrun.Is(run, v1alpha1.KindResolveTenant) {
		r.Kind = v1alpha1.KindResolveTenant
	}
	var err error
	if r.Params, err = customrun.Params(run, r.Kind, Params[r.Kind]...); err != nil {
		return Request{}, err
	}
	if r.Kind == v1alpha1.KindResolveTenant {
		return r, r.checkResolve()
	}
	return r, r.checkPush()
}

// Image is what is pushed to; empty where that is not known yet.
func (r Request) Image() string { return r.Params[v1alpha1.ParamImageRef] }

// Source is where the image is that is pushed; empty where that is not said.
func (r Request) Source() string { return r.Params[v1alpha1.ParamSource] }

// Copies reports whether the run pushes from a registry. Then its TaskRun is in custody, beside the robot's Secret, and no token ever is
// in the tenant's namespace.
func (r Request) Copies() bool {
	return strings.HasPrefix(r.Source(), tenant.RegistrySource)
}

func (r Request) checkResolve() error {
	if len(r.Run.Spec.Workspaces) > 0 {
		return customrun.Failf(v1alpha1.ReasonInvalidWorkspaces, "%s takes no workspace", v1alpha1.KindResolveTenant)
	}
	return nil
}
