package tenancy

import (
	"context"
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/comptech-lab/quay-push/pkg/config"
)

// Guards are the policies that make a shared namespace a closed world, so that the label of a PipelineRun there is a proof: it is set
// only with the right to it; a run has the platform's code, account and Secrets of its own team; nobody but Tekton and the
// controller makes its children; nobody changes another team's run, nor, but for the platform, what runs are made of.
var Guards = []string{
	"tenant-label.quay.comptech-lab.com", "pipelinerun.quay.comptech-lab.com", "child.quay.comptech-lab.com",
	"run.quay.comptech-lab.com", "definition.quay.comptech-lab.com", "pod.quay.comptech-lab.com",
}

// Guarded reports whether every one of Guards denies in namespace, by the names of the ConfigMap that the controller reads.
func Guarded(ctx context.Context, cluster Cluster, namespace *corev1.Namespace) (bool, error) {
	bindings, err := cluster.PolicyBindings(ctx)
	if err != nil {
		return false, fmt.Errorf("listing policy bindings: %w", err)
	}
	for _, name := range Guards {
		policy, err := cluster.Policy(ctx, name)
		switch {
		case apierrs.IsNotFound(err):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("reading policy %q: %w", name, err)
		case !strict(policy) || !slices.ContainsFunc(bindings, func(b *admissionv1.ValidatingAdmissionPolicyBinding) bool {
			return denies(b, name, namespace)
		}):
			return false, nil
		}
	}
	return true, nil
}

// strict reports whether the policy validates something, by the names of a ConfigMap, refuses what it cannot evaluate, and looks at
// every object of its kind. The default failurePolicy is Fail.
func strict(policy *admissionv1.ValidatingAdmissionPolicy) bool {
	if policy.DeletionTimestamp != nil || len(policy.Spec.Validations) == 0 {
		return false
	}
	if f := policy.Spec.FailurePolicy; f != nil && *f != admissionv1.Fail {
		return false
	}
	if kind := policy.Spec.ParamKind; kind == nil || kind.APIVersion != "v1" || kind.Kind != "ConfigMap" {
		return false
	}
	match := policy.Spec.MatchConstraints
	return match != nil && len(match.ResourceRules) > 0 && len(match.ExcludeResourceRules) == 0 &&
		everything(match.NamespaceSelector) && everything(match.ObjectSelector)
}

// denies reports whether the binding makes the policy deny every object in namespace, with the controller's own ConfigMap, and if that
// is gone, too.
func denies(binding *admissionv1.ValidatingAdmissionPolicyBinding, policy string, namespace *corev1.Namespace) bool {
	if binding.Spec.PolicyName != policy || binding.DeletionTimestamp != nil || !slices.Contains(binding.Spec.ValidationActions, admissionv1.Deny) {
		return false
	}
	if from := binding.Spec.ParamRef; from == nil || from.Name != config.Name || from.Namespace != config.Namespace || from.Selector != nil ||
		from.ParameterNotFoundAction == nil || *from.ParameterNotFoundAction != admissionv1.DenyAction {
		return false
	}
	match := binding.Spec.MatchResources
	if match == nil {
		return true
	}
	if len(match.ResourceRules) > 0 || len(match.ExcludeResourceRules) > 0 || !everything(match.ObjectSelector) {
		return false
	}
	if match.NamespaceSelector == nil {
		return true
	}
	selector, err := metav1.LabelSelectorAsSelector(match.NamespaceSelector)
	return err == nil && selector.Matches(labels.Set(namespace.Labels))
}

func everything(s *metav1.LabelSelector) bool {
	return s == nil || len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0
}
