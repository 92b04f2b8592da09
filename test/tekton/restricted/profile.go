package restricted

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// Profile returns what Kubernetes' own Pod security admission has against the Pod at the level, by the newest version of its rules.
func Profile(level api.Level, pod *corev1.Pod) (against []string, err error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return nil, err
	}
	newest := api.LevelVersion{Level: level, Version: api.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(newest, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			against = append(against, strings.TrimSpace(result.ForbiddenReason+": "+result.ForbiddenDetail))
		}
	}
	slices.Sort(against)
	return against, nil
}
