package restricted

import (
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
)

const root = "../../.."

// unrestricted are what restricted profiles keep out, with the reason for which it stays so, and what exactly they have against it:
// Kubernetes' restricted, and OpenShift's restricted-v2.
var unrestricted = map[string]struct {
	reason             string
	profile, openshift []string
}{
	"Task build-image-buildah": {
		reason: "buildah unpacks base images as their owners, root among them: it starts as root of the container, and SETFCAP lets it make a " +
			"user namespace, which RuntimeDefault would refuse. It runs under baseline, and under OpenShift's pipelines-scc.",
		profile: []string{
			`runAsNonRoot != true: pod or containers "step-clear", "step-build", "step-layout" must set securityContext.runAsNonRoot=true`,
			`runAsUser=0: containers "step-clear", "step-build", "step-layout" must not set runAsUser=0`,
			`seccompProfile: pod or containers "step-clear", "step-build", "step-layout" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
			`unrestricted capabilities: containers "step-clear", "step-build", "step-layout" must set securityContext.capabilities.drop=["ALL"]; containers "step-clear", "step-build", "step-layout" must not include "SETFCAP" in securityContext.capabilities.add`,
		},
		openshift: []string{
			"step-clear: runAsUser 0", "step-clear: capability SETFCAP", "step-build: runAsUser 0", "step-build: capability SETFCAP",
			"step-layout: runAsUser 0", "step-layout: capability SETFCAP",
		},
	},
}

// pods returns every Pod that comes of config/ and tekton/, those of Tasks with Tekton's flag set-security-context as secure says.
func pods(t *testing.T, secure bool) map[string]*corev1.Pod {
	t.Helper()
	all, err := Templates(root + "/config")
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := Tasks(root + "/tekton")
	if err != nil {
		t.Fatal(err)
	}
	for name, task := range tasks {
		if all[name], err = Pod(t.Context(), task, secure); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return all
}

// Whoever adds a Pod sees it here, and that it was looked at.
func TestEveryPodIsFound(t *testing.T) {
	want := []string{
		"CronJob fleet-rotate", "CronJob fleet-verify", "Deployment controller", "StepAction push-image",
		"Task build-image-buildah", "Task copy-image-quay", "Task push-image-quay", "Task update-overlay-digest",
	}
	all := pods(t, true)
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for name, pod := range all {
		if len(pod.Spec.Containers) == 0 {
			t.Errorf("%s has no container", name)
		}
	}
}

// Kubernetes lets every Pod in under restricted, but those that say why not; these it lets in under baseline.
func TestPodsAreRestricted(t *testing.T) {
	for name, pod := range pods(t, true) {
		against, err := Profile(api.LevelRestricted, pod)
		if err != nil {
			t.Fatal(err)
		}
		if want := unrestricted[name].profile; !slices.Equal(against, want) {
			t.Errorf("%s: against it is %q, want %q", name, against, want)
		}
		if against, err := Profile(api.LevelBaseline, pod); err != nil || len(against) > 0 {
			t.Errorf("%s: against it, under baseline, is %q, %v", name, against, err)
		}
	}
}

// OpenShift lets the same Pods in under restricted-v2, asks nothing of Tekton's flag for it, and what it makes of them is restricted
// for Kubernetes, too.
func TestPodsRunUnderRestrictedV2(t *testing.T) {
	for _, secure := range []bool{true, false} {
		for name, pod := range pods(t, secure) {
			admitted, against := RestrictedV2(pod)
			if want := unrestricted[name].openshift; !slices.Equal(against, want) {
				t.Errorf("%s: against it is %q, want %q", name, against, want)
			}
			if len(against) > 0 {
				continue
			}
			if against, err := Profile(api.LevelRestricted, admitted); err != nil || len(against) > 0 {
				t.Errorf("%s, admitted: against it is %q, %v", name, against, err)
			}
		}
	}
}

// Each namespace has a range of ids of its own, which nobody knows beforehand. A Pod that names one gets in where nobody expects it,
// or nowhere.
func TestNoPodNamesAnID(t *testing.T) {
	for name, pod := range pods(t, false) {
		if _, ok := unrestricted[name]; ok {
			continue
		}
		if s := pod.Spec.SecurityContext; s != nil && (s.RunAsUser != nil || s.RunAsGroup != nil || s.FSGroup != nil || len(s.SupplementalGroups) > 0) {
			t.Errorf("%s: the Pod names ids: %+v", name, s)
		}
		for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			if s := container.SecurityContext; s != nil && (s.RunAsUser != nil || s.RunAsGroup != nil) {
				t.Errorf("%s: container %s names ids: %+v", name, container.Name, s)
			}
		}
	}
}

// Where another SCC has a higher priority for everybody, OpenShift takes that, which may run the Pod as root.
func TestOwnPodsAskForRestrictedV2(t *testing.T) {
	all, err := Templates(root + "/config")
	if err != nil {
		t.Fatal(err)
	}
	for name, pod := range all {
		if got := pod.Annotations["openshift.io/required-scc"]; got != "restricted-v2" {
			t.Errorf("%s asks for %q", name, got)
		}
	}
}
