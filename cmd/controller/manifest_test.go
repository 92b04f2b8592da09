package main

import (
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"knative.dev/pkg/injection"
	"knative.dev/pkg/observability"
	"knative.dev/pkg/version"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/reconciler/scrape"
)

// documents returns the YAML documents of every file that pattern matches, by "Kind name".
func documents(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	all := map[string][]byte{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range strings.Split("\n"+string(data), "\n---\n") {
			var object struct {
				Kind     string
				Metadata struct{ Name string }
			}
			if err := yaml.Unmarshal([]byte(document), &object); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			all[object.Kind+" "+object.Metadata.Name] = []byte(document)
		}
	}
	return all
}

func read[T any](t *testing.T, document []byte) (object T) {
	t.Helper()
	if err := yaml.UnmarshalStrict(document, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// The Deployment asks the program what it answers, waits longer for the caches than for anything later, and gives it the time
// that its last reconciles may take.
func TestProbes(t *testing.T) {
	spec := read[appsv1.Deployment](t, documents(t, "../../config/500-controller.yaml")["Deployment controller"]).Spec.Template.Spec
	c := spec.Containers[0]
	ports := map[string]int32{}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
	}
	if ports["probes"] != injection.HealthCheckDefaultPort || ports["metrics"] != 9090 {
		t.Errorf("ports %v", ports)
	}
	for path, probe := range map[string]*corev1.Probe{"/readiness": c.ReadinessProbe, "/health": c.LivenessProbe} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != "probes" {
			t.Errorf("probe of %s: %+v", path, probe)
		}
	}
	if s := c.StartupProbe; s == nil || s.PeriodSeconds*s.FailureThreshold < 300 {
		t.Errorf("startup probe %+v, want five minutes", c.StartupProbe)
	}
	if g := spec.TerminationGracePeriodSeconds; g == nil || *g <= 30 {
		t.Errorf("grace period %v, want more than a reconcile's 30 seconds", g)
	}
}

// What OpenShift's restricted-v2 and Pod security restricted ask for. A user or group id that is fixed would be refused, since
// each namespace has its own range.
func TestControllerRunsRestricted(t *testing.T) {
	spec := read[appsv1.Deployment](t, documents(t, "../../config/500-controller.yaml")["Deployment controller"]).Spec.Template.Spec
	if s := spec.SecurityContext; s != nil && (s.FSGroup != nil || s.RunAsUser != nil || s.RunAsGroup != nil || len(s.SupplementalGroups) > 0) {
		t.Errorf("the Pod asks for ids: %+v", s)
	}
	if spec.HostNetwork || spec.HostPID || spec.HostIPC || len(spec.Volumes) > 0 || len(spec.InitContainers) > 0 || len(spec.Containers) != 1 {
		t.Errorf("the Pod has more than a program: %+v", spec)
	}
	checkRestricted(t, spec.Containers[0].SecurityContext)
}

func TestPushStepRunsRestricted(t *testing.T) {
	var task struct {
		Spec struct {
			Steps []struct {
				SecurityContext *corev1.SecurityContext
			}
		}
	}
	for _, name := range []string{"push-image-quay", "copy-image-quay"} {
		task.Spec.Steps = nil
		for _, document := range documents(t, "../../tekton/task/"+name+"/0.1/"+name+".yaml") {
			if err := yaml.Unmarshal(document, &task); err != nil {
				t.Fatal(err)
			}
		}
		if len(task.Spec.Steps) == 0 {
			t.Fatalf("Task %s has no steps", name)
		}
		for _, step := range task.Spec.Steps {
			checkRestricted(t, step.SecurityContext)
		}
	}
}

func checkRestricted(t *testing.T, s *corev1.SecurityContext) {
	t.Helper()
	if s == nil || s.RunAsUser != nil || s.RunAsGroup != nil || s.Privileged != nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot ||
		s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
		s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault ||
		s.Capabilities == nil || len(s.Capabilities.Add) > 0 || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" {
		t.Errorf("security context %+v", s)
	}
}

// What is for OpenShift's shared namespace is what the Task mounts, holds nothing that an operator would change under GitOps, and
// gives no token away.
func TestOpenShift(t *testing.T) {
	all := documents(t, "../../config/openshift/*.yaml")
	ca := read[corev1.ConfigMap](t, all["ConfigMap config-trusted-cabundle"])
	if ca.Namespace != "openshift-pipelines" || ca.Labels["config.openshift.io/inject-trusted-cabundle"] != "true" || len(ca.Data) > 0 {
		t.Errorf("%+v", ca)
	}
	account := read[corev1.ServiceAccount](t, all["ServiceAccount pipeline"])
	if account.Namespace != "openshift-pipelines" || account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken {
		t.Errorf("%+v", account)
	}
	task, err := os.ReadFile("../../tekton/task/push-image-quay/0.1/push-image-quay.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(task), "name: "+ca.Name+"\n") {
		t.Errorf("the Task does not mount ConfigMap %q", ca.Name)
	}
	if len(all) != 2 {
		t.Errorf("%d objects, the test looks at 2", len(all))
	}
}

// Without the key, Knative serves no metrics at all.
func TestMetricsAreOn(t *testing.T) {
	c := read[corev1.ConfigMap](t, documents(t, "../../config/config-observability.yaml")["ConfigMap config-observability"])
	if c.Data["metrics-protocol"] != "prometheus" {
		t.Errorf("%v", c.Data)
	}
}

// No tenant reads other teams' numbers: Knative's own server stays in the Pod, and profiles are off. What it serves them by is
// configured with these variables, whatever the ConfigMap says.
func TestMetricsAreForThoseWhoMay(t *testing.T) {
	env := map[string]string{}
	for _, e := range read[appsv1.Deployment](t, documents(t, "../../config/500-controller.yaml")["Deployment controller"]).Spec.Template.Spec.Containers[0].Env {
		env[e.Name] = e.Value
	}
	if _, port, _ := net.SplitHostPort(scrape.Address); env["METRICS_PROMETHEUS_HOST"] != "127.0.0.1" || env["METRICS_PROMETHEUS_PORT"] == port || port != "9090" {
		t.Errorf("Knative serves the metrics on %s:%s", env["METRICS_PROMETHEUS_HOST"], env["METRICS_PROMETHEUS_PORT"])
	}
	c := read[corev1.ConfigMap](t, documents(t, "../../config/config-observability.yaml")["ConfigMap config-observability"])
	if got, err := observability.NewFromMap(c.Data); err != nil || got.Runtime.ProfilingEnabled() || got.Metrics.Endpoint != "" {
		t.Errorf("%+v, %v", got, err)
	}
	all := documents(t, "../../config/*.yaml")
	reader := read[rbacv1.ClusterRole](t, all["ClusterRole quay-push-metrics-reader"])
	if len(reader.Rules) != 1 || !slices.Equal(reader.Rules[0].NonResourceURLs, []string{scrape.Path}) || !slices.Equal(reader.Rules[0].Verbs, []string{"get"}) {
		t.Errorf("readers may %+v", reader.Rules)
	}
	if bound := read[rbacv1.ClusterRoleBinding](t, documents(t, "../../config/monitoring/*.yaml")["ClusterRoleBinding quay-push-metrics-reader"]); bound.RoleRef.Name != reader.Name || len(bound.Subjects) != 1 {
		t.Errorf("%+v", bound)
	}
}

// Whom the policy lets in gets to the metrics alone, and it is for the controller's Pods.
func TestNetworkPolicy(t *testing.T) {
	all := documents(t, "../../config/*.yaml")
	policy := read[networkingv1.NetworkPolicy](t, all["NetworkPolicy controller"])
	pod := read[appsv1.Deployment](t, all["Deployment controller"]).Spec.Template
	selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
	if err != nil || !selector.Matches(labels.Set(pod.Labels)) || policy.Namespace != "quay-push" {
		t.Errorf("selects %v in %q, %v", selector, policy.Namespace, err)
	}
	if len(policy.Spec.PolicyTypes) != 1 || policy.Spec.PolicyTypes[0] != networkingv1.PolicyTypeIngress || len(policy.Spec.Ingress) != 1 {
		t.Fatalf("%+v", policy.Spec)
	}
	rule := policy.Spec.Ingress[0]
	if len(rule.Ports) != 1 || rule.Ports[0].Port.StrVal != "metrics" || len(rule.From) == 0 {
		t.Errorf("%+v", rule)
	}
	let := func(namespace map[string]string) (in bool) {
		for _, peer := range rule.From {
			selector, err := metav1.LabelSelectorAsSelector(peer.NamespaceSelector)
			if err != nil || peer.PodSelector != nil || peer.IPBlock != nil || selector.Empty() {
				t.Fatalf("%+v, %v", peer, err)
			}
			in = in || selector.Matches(labels.Set(namespace))
		}
		return in
	}
	for name, want := range map[string]bool{"openshift-monitoring": true, "openshift-user-workload-monitoring": true, "apps-payments-checkout": false, "quay-push": false} {
		if let(map[string]string{"kubernetes.io/metadata.name": name}) != want {
			t.Errorf("namespace %s: let in %v", name, !want)
		}
	}
	if !let(map[string]string{"kubernetes.io/metadata.name": "monitoring", "quay.comptech-lab.com/scrape": "true"}) {
		t.Error("the label does not let in")
	}
}

// In custody the controller reads what it knows the name of, has tokens made, and nothing else; the policy that says of whom is there.
func TestCustodyRights(t *testing.T) {
	all := documents(t, "../../config/custody/*.yaml")
	role := read[rbacv1.Role](t, all["Role quay-push-custody"])
	want := []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets", "serviceaccounts"}, Verbs: []string{"get"}},
		{APIGroups: []string{""}, Resources: []string{"serviceaccounts/token"}, Verbs: []string{"create"}},
	}
	if !reflect.DeepEqual(role.Rules, want) || role.Namespace != "quay-push-custody" {
		t.Errorf("in %q it may %+v", role.Namespace, role.Rules)
	}
	for _, rule := range read[rbacv1.ClusterRole](t, documents(t, "../../config/*.yaml")["ClusterRole quay-push-controller"]).Rules {
		if slices.Contains(rule.Resources, "serviceaccounts") || slices.Contains(rule.Resources, "serviceaccounts/token") {
			t.Errorf("in every namespace it may %+v", rule)
		}
	}
	policy := read[admissionv1.ValidatingAdmissionPolicy](t, all["ValidatingAdmissionPolicy custody-account.quay.comptech-lab.com"])
	if rules := policy.Spec.MatchConstraints.ResourceRules; len(rules) != 2 || rules[1].Resources[0] != "serviceaccounts/token" || *policy.Spec.FailurePolicy != admissionv1.Fail {
		t.Errorf("%+v", policy.Spec)
	}
}

func TestPriority(t *testing.T) {
	all := documents(t, "../../config/*.yaml")
	class := read[schedulingv1.PriorityClass](t, all["PriorityClass quay-push"])
	if got := read[appsv1.Deployment](t, all["Deployment controller"]).Spec.Template.Spec.PriorityClassName; got != class.Name || class.Value != 1_000_000 || class.GlobalDefault {
		t.Errorf("the Pod has class %q, which is %+v", got, class)
	}
}

// The policies need Kubernetes 1.30, and Knative would refuse to start below its own, newer minimum.
func TestOldKubernetesIsAllowed(t *testing.T) {
	spec := read[appsv1.Deployment](t, documents(t, "../../config/500-controller.yaml")["Deployment controller"]).Spec.Template.Spec
	for _, e := range spec.Containers[0].Env {
		t.Setenv(e.Name, e.Value)
	}
	if got := version.KubernetesMinimumVersion(); got != "v1.30.0" {
		t.Errorf("the minimum is %s", got)
	}
}
