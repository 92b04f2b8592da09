package restricted

import (
	"fmt"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// first is where the ids of a namespace begin, and size how many there are: annotation openshift.io/sa.scc.uid-range says
// 1000680000/10000.
const first, size = 1000680000, 10000

// volumeTypes are the fields of corev1.VolumeSource that restricted-v2 lists (openshift/cluster-kube-apiserver-operator
// bindata/bootkube/scc-manifests, 0000_20_kube-apiserver-operator_00_scc-restricted-v2.yaml). Newer OpenShift lists csi,
// ephemeral and image, too.
var volumeTypes = []string{"ConfigMap", "DownwardAPI", "EmptyDir", "PersistentVolumeClaim", "Projected", "Secret"}

// RestrictedV2 is what OpenShift's admission does with a Pod under restricted-v2: it returns the Pod with what that adds where
// nothing is set, and what it has against it then. It is written after openshift/apiserver-library-go a8019f39
// pkg/securitycontextconstraints/sccmatching/provider.go, whose code is no module that can be had here: run once over all Pods of the
// tests, it said the same of each, and made the same of it.
func RestrictedV2(pod *corev1.Pod) (admitted *corev1.Pod, against []string) {
	pod = pod.DeepCopy()
	refuse := func(format string, args ...any) { against = append(against, fmt.Sprintf(format, args...)) }
	if pod.Spec.SecurityContext == nil {
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	sc := pod.Spec.SecurityContext
	if sc.FSGroup == nil {
		sc.FSGroup = new(int64(first))
	}
	if sc.SeccompProfile == nil {
		sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
	if *sc.FSGroup != first {
		refuse("fsGroup %d", *sc.FSGroup)
	}
	if sc.SELinuxOptions != nil {
		refuse("seLinuxOptions of its own")
	}
	if len(sc.Sysctls) > 0 {
		refuse("sysctls")
	}
	if pod.Spec.HostNetwork || pod.Spec.HostPID || pod.Spec.HostIPC {
		refuse("a namespace of the host")
	}
	for _, volume := range pod.Spec.Volumes {
		if kind := volumeType(volume); !slices.Contains(volumeTypes, kind) {
			refuse("volume %q of type %q", volume.Name, kind)
		}
	}
	for i := range pod.Spec.InitContainers {
		admitContainer(sc, &pod.Spec.InitContainers[i], refuse)
	}
	for i := range pod.Spec.Containers {
		admitContainer(sc, &pod.Spec.Containers[i], refuse)
	}
	return pod, against
}

// admitContainer fills what the container leaves open, and refuses what it asks for beyond that.
func admitContainer(pod *corev1.PodSecurityContext, container *corev1.Container, refuse func(string, ...any)) {
	if container.SecurityContext == nil {
		container.SecurityContext = &corev1.SecurityContext{}
	}
	sc := container.SecurityContext
	user := sc.RunAsUser
	if user == nil {
		user = pod.RunAsUser
	}
	if user == nil {
		sc.RunAsUser = new(int64(first))
		user = sc.RunAsUser
	}
	if *user < first || *user >= first+size {
		refuse("%s: runAsUser %d", container.Name, *user)
	}
	if sc.RunAsNonRoot == nil && pod.RunAsNonRoot == nil && *user > 0 {
		sc.RunAsNonRoot = new(true)
	}
	if sc.Capabilities == nil {
		sc.Capabilities = &corev1.Capabilities{}
	}
	if !slices.Contains(sc.Capabilities.Drop, "ALL") {
		sc.Capabilities.Drop = append(sc.Capabilities.Drop, "ALL")
	}
	for _, capability := range sc.Capabilities.Add {
		if capability != "NET_BIND_SERVICE" {
			refuse("%s: capability %s", container.Name, capability)
		}
	}
	if sc.AllowPrivilegeEscalation == nil {
		sc.AllowPrivilegeEscalation = new(false)
	}
	if *sc.AllowPrivilegeEscalation {
		refuse("%s: allowPrivilegeEscalation", container.Name)
	}
	if sc.Privileged != nil && *sc.Privileged {
		refuse("%s: privileged", container.Name)
	}
	if sc.SELinuxOptions != nil {
		refuse("%s: seLinuxOptions of its own", container.Name)
	}
	profile := sc.SeccompProfile
	if profile == nil {
		profile = pod.SeccompProfile
	}
	if profile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		refuse("%s: seccompProfile %s", container.Name, profile.Type)
	}
	for _, port := range container.Ports {
		if port.HostPort > 0 {
			refuse("%s: hostPort %d", container.Name, port.HostPort)
		}
	}
}

// volumeType is the name of the one field of the volume's source that is set.
func volumeType(volume corev1.Volume) string {
	source := reflect.ValueOf(volume.VolumeSource)
	for i := range source.NumField() {
		if !source.Field(i).IsNil() {
			return source.Type().Field(i).Name
		}
	}
	return ""
}
