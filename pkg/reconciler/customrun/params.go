package customrun

import (
	"slices"
	"strings"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

// Params checks what an author can get wrong in a taskRef of kind, and returns the params by name. Only those that known
// lists may be given. A list of sources has commas between them, as push-image reads it. The error is a *Failure.
func Params(run *v1beta1.CustomRun, kind string, known ...string) (map[string]string, error) {
	if why := large(run); why != "" {
		return nil, Failf(v1alpha1.ReasonInvalidParams, "the CustomRun is too large: %s", why)
	}
	if version, got := reference(run); version != v1alpha1.APIVersion || got != kind {
		return nil, Failf(v1alpha1.ReasonUnsupportedSpec,
			"%s of %s is not served; there are %s and %s of %s", got, version, v1alpha1.KindPushImage, v1alpha1.KindResolveTenant, v1alpha1.APIVersion)
	}
	if run.Spec.CustomSpec != nil || run.Spec.CustomRef.Name != "" || run.Spec.CustomRef.Resolver != "" {
		return nil, Failf(v1alpha1.ReasonUnsupportedSpec,
			"%s takes no spec, name or resolver: write taskRef: {apiVersion: %s, kind: %s}", kind, v1alpha1.APIVersion, kind)
	}
	params := map[string]string{}
	for _, p := range run.Spec.Params {
		_, twice := params[p.Name]
		switch {
		case !slices.Contains(known, p.Name):
			return nil, Failf(v1alpha1.ReasonInvalidParams, "%s has no param %q; it has %v", kind, p.Name, known)
		case twice:
			return nil, Failf(v1alpha1.ReasonInvalidParams, "param %q is given twice; leave one out", p.Name)
		case p.Name == v1alpha1.ParamSource && p.Value.Type == v1beta1.ParamTypeArray && len(p.Value.ArrayVal) > 0:
			p.Value.StringVal = strings.Join(p.Value.ArrayVal, ",")
		case p.Value.Type != v1beta1.ParamTypeString && p.Value.Type != "":
			return nil, Failf(v1alpha1.ReasonInvalidParams, "param %q has type %s; write a string", p.Name, p.Value.Type)
		}
		params[p.Name] = p.Value.StringVal
	}
	return params, nil
}
