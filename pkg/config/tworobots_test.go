package config

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestTwoRobotsOfBefore(t *testing.T) {
	for want, data := range map[string]map[string]string{
		"ci ci-b":     {},
		"push ci-b":   {"robot": "push"},
		"ci push-b":   {"standby-robot": " push-b\n"},
		"push push-b": {"robot": "push", "standby-robot": "push-b"},
		"push":        {"robot-names": "push"},
		"a1 b1 c1":    {"robot-names": "a1, b1\nc1"},
	} {
		if got, err := FromConfigMap(&corev1.ConfigMap{Data: data}); err != nil || !slices.Equal(got.RobotNames, strings.Fields(want)) {
			t.Errorf("%v = %v, %v, want %q", data, got, err, want)
		}
	}
	if got := Default().RobotNames; !slices.Equal(got, []string{"ci", "ci-b"}) {
		t.Errorf("the defaults were changed: %q", got)
	}
	for says, data := range map[string]map[string]string{
		"take standby-robot out":      {"robot-names": "ci", "standby-robot": "ci-b"},
		`robot-names: "c"`:            {"robot": "c"},
		`"ci" is named by "ci"`:       {"standby-robot": "ci"},
		"robot-names is empty":        {"robot-names": " "},
		`robot-names: "" is not a ro`: {"robot": ""},
	} {
		if got, err := FromConfigMap(&corev1.ConfigMap{Data: data}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v = %v, %v, want an error that says %q", data, got, err, says)
		}
	}
}
