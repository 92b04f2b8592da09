package restricted

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
)

// mutants are changes to a good Pod, with what Kubernetes and OpenShift have to say of each.
var mutants = map[string]struct {
	change             func(*corev1.PodSpec)
	profile, openshift string
}{
	"privileged": {func(p *corev1.PodSpec) { p.Containers[0].SecurityContext.Privileged = new(true) }, "privileged", "privileged"},
	"host path": {func(p *corev1.PodSpec) {
		mount(p, corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}})
	}, `restricted volume type "hostPath"`, `of type "HostPath"`},
	"NFS":                     {func(p *corev1.PodSpec) { mount(p, corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{Server: "nfs"}}) }, "restricted volume types", `of type "NFS"`},
	"host network":            {func(p *corev1.PodSpec) { p.HostNetwork = true }, "host namespaces", "a namespace of the host"},
	"host port":               {func(p *corev1.PodSpec) { p.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 80}} }, "hostPort", "hostPort 80"},
	"root":                    {func(p *corev1.PodSpec) { p.Containers[0].SecurityContext.RunAsUser = new(int64(0)) }, "runAsUser=0", "runAsUser 0"},
	"a user of its own":       {func(p *corev1.PodSpec) { p.Containers[0].SecurityContext.RunAsUser = new(int64(65532)) }, "", "runAsUser 65532"},
	"a user of the Pod's own": {func(p *corev1.PodSpec) { podOf(p).RunAsUser = new(int64(65532)) }, "", "runAsUser 65532"},
	"a group of its own":      {func(p *corev1.PodSpec) { podOf(p).FSGroup = new(int64(65532)) }, "", "fsGroup 65532"},
	"a capability": {func(p *corev1.PodSpec) {
		p.Containers[0].SecurityContext.Capabilities.Add = []corev1.Capability{"SYS_ADMIN"}
	}, `must not include "SYS_ADMIN"`, "capability SYS_ADMIN"},
	"escalation": {func(p *corev1.PodSpec) { p.Containers[0].SecurityContext.AllowPrivilegeEscalation = new(true) }, "allowPrivilegeEscalation != false", "allowPrivilegeEscalation"},
	"no seccomp": {func(p *corev1.PodSpec) { p.Containers[0].SecurityContext.SeccompProfile = unconfined() }, "seccompProfile", "seccompProfile Unconfined"},
	"no seccomp for the Pod": {func(p *corev1.PodSpec) {
		p.Containers[0].SecurityContext.SeccompProfile, podOf(p).SeccompProfile = nil, unconfined()
	}, "seccompProfile", "seccompProfile Unconfined"},
	"a SELinux type": {func(p *corev1.PodSpec) {
		p.Containers[0].SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{Type: "spc_t"}
	}, "seLinuxOptions", "seLinuxOptions of its own"},
	"a sysctl": {func(p *corev1.PodSpec) { podOf(p).Sysctls = []corev1.Sysctl{{Name: "kernel.msgmax", Value: "1"}} }, "forbidden sysctls", "sysctls"},
	"a container before": {func(p *corev1.PodSpec) {
		p.InitContainers = []corev1.Container{{Name: "before", SecurityContext: &corev1.SecurityContext{Privileged: new(true)}}}
	}, "privileged", "before: privileged"},
}

// What the tests above must see: each change to a good Pod is held against it by OpenShift, and by Kubernetes if its word is given.
func TestMutationsAreSeen(t *testing.T) {
	for name, c := range mutants {
		t.Run(name, func(t *testing.T) {
			mutant := pods(t, true)["Deployment controller"]
			c.change(&mutant.Spec)
			against, err := Profile(api.LevelRestricted, mutant)
			if err != nil || !has(against, c.profile) {
				t.Errorf("Kubernetes has %q against it, %v; want %q", against, err, c.profile)
			}
			if _, against := RestrictedV2(mutant); !has(against, c.openshift) {
				t.Errorf("OpenShift has %q against it, want %q", against, c.openshift)
			}
		})
	}
}

// has reports whether one of the texts has the word in it; without a word that there are no texts.
func has(texts []string, word string) bool {
	if word == "" {
		return len(texts) == 0
	}
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, word) })
}

func mount(p *corev1.PodSpec, source corev1.VolumeSource) {
	p.Volumes = append(p.Volumes, corev1.Volume{Name: "more", VolumeSource: source})
}

// podOf returns the security context of the whole Pod, which the controller's lacks.
func podOf(p *corev1.PodSpec) *corev1.PodSecurityContext {
	if p.SecurityContext == nil {
		p.SecurityContext = &corev1.PodSecurityContext{}
	}
	return p.SecurityContext
}

func unconfined() *corev1.SeccompProfile {
	return &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
}

// What restricted-v2 adds is what Kubernetes' restricted asks for: a container that sets nothing gets it all.
func TestRestrictedV2FillsWhatIsOpen(t *testing.T) {
	bare := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "bare"}}}}
	admitted, against := RestrictedV2(bare)
	if len(against) > 0 || bare.Spec.Containers[0].SecurityContext != nil {
		t.Errorf("%q, and the Pod itself is %+v", against, bare.Spec.Containers[0])
	}
	if s := admitted.Spec.Containers[0].SecurityContext; *s.RunAsUser != first || !*s.RunAsNonRoot || *s.AllowPrivilegeEscalation || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("%+v", s)
	}
	if s := admitted.Spec.SecurityContext; *s.FSGroup != first || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%+v", s)
	}
}
