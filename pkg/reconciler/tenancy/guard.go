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
)

// Guards are the policies that make the label of a PipelineRun a proof, and the Secret of a robot its team's alone: the label
// is set only with the right to it; nobody but Tekton writes a CustomRun, nobody another team's run, and nobody but the
// platform the Task and the Pipelines; and no Pod mounts another team's robot.
var Guards = []string{
	"tenant-label.quay.comptech-lab.com", "customrun.quay.comptech-lab.com", "run.quay.comptech-lab.com",
	"definition.quay.comptech-lab.com", "robot-secret.quay.comptech-lab.com", "taskrun-secret.quay.comptech-lab.com",
}

// Guarded says whether every one of Guards denies in namespace.
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

// strict says whether the policy validates something, refuses what it cannot evaluate, and looks at every object of its
// kind. The default failurePolicy is Fail.
func strict(policy *admissionv1.ValidatingAdmissionPolicy) bool {
	if policy.DeletionTimestamp != nil || len(policy.Spec.Validations) == 0 {
		return false
	}
	if f := policy.Spec.FailurePolicy; f != nil && *f != admissionv1.Fail {
		return false
	}
	match := policy.Spec.MatchConstraints
	return match != nil && len(match.ResourceRules) > 0 && len(match.ExcludeResourceRules) == 0 &&
		everything(match.NamespaceSelector) && everything(match.ObjectSelector)
}

// denies says whether the binding makes the policy deny every object in namespace.
func denies(binding *admissionv1.ValidatingAdmissionPolicyBinding, policy string, namespace *corev1.Namespace) bool {
	if binding.Spec.PolicyName != policy || binding.DeletionTimestamp != nil || !slices.Contains(binding.Spec.ValidationActions, admissionv1.Deny) {
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
