package conformance

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/version"
	fakediscovery "k8s.io/client-go/discovery/fake"
	clienttesting "k8s.io/client-go/testing"
	knativeversion "knative.dev/pkg/version"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
	"github.com/comptech-lab/quay-push/test/stage"
)

// failover is how long a run may wait for its first answer after the leader was killed: the lease, 15 seconds, and a retry.
const failover = 20 * time.Second

// perForeign is how much the cache may keep of another controller's CustomRun, in bytes.
const perForeign = 2048

var operations = []Check{
	{ID: "C100", Sentence: "With two replicas and two buckets, a leader that is killed is replaced within 20 seconds, and nothing is made twice", Alone: true, OnCluster: func(t *T, c *Cluster) {
		t.Cleanup(c.restart)
		c.configMap("config-leader-election", map[string]string{"buckets": "2"})
		c.restart()
		c.kill(c.leaders(2)[0])
		killed := time.Now()
		var prs []*pipelinev1.PipelineRun
		for range 4 {
			prs = append(prs, c.create("C91"))
		}
		first := map[string]types.UID{}
		for _, pr := range prs {
			c.running(pr, "push")
			first[pr.Name] = c.task(pr, "push").UID
		}
		took := time.Since(killed)
		if t.Logf("all answered %.1fs after the kill", took.Seconds()); took > failover {
			t.Errorf("answered %s after the kill", took)
		}
		for _, pr := range prs {
			pr = c.end(pr)
			c.wantOutcome(pr.Status.Conditions, corev1.ConditionTrue, "Succeeded")
			if c.task(pr, "push").UID != first[pr.Name] {
				t.Errorf("%s: a second TaskRun was made", pr.Name)
			}
		}
	}},
	{ID: "C101", Sentence: "A ConfigMap that is wrong changes nothing, and those that Knative reads may be missing", Alone: true, OnCluster: func(t *T, c *Cluster) {
		restore := c.configMap("config-tenancy", map[string]string{"registry": "quay.example.com", "no-such-key": "x"})
		for _, replica := range c.replicas() {
			c.logged(replica.Name, "no-such-key")
		}
		pr := c.end(c.create("C91"))
		c.wantOutcome(pr.Status.Conditions, corev1.ConditionTrue, "Succeeded")
		restore()
		t.Cleanup(c.restart)
		for _, name := range []string{"config-leader-election", "config-logging", "config-observability"} {
			c.removeConfigMap(name)
		}
		c.restart()
		// Without config-leader-election Knative looks at a lease every 10 s.
		c.leaders(1)
		pr = c.end(c.create("C91"))
		c.wantOutcome(pr.Status.Conditions, corev1.ConditionTrue, "Succeeded")
	}},
	{ID: "C102", Sentence: "It runs where Kubernetes is older than Knative's own minimum", Once: true, InProcess: func(t *T) {
		for _, e := range deployment(t).Spec.Template.Spec.Containers[0].Env {
			if e.Name == knativeversion.KubernetesMinVersionKey {
				t.Setenv(e.Name, e.Value)
			}
		}
		server := &fakediscovery.FakeDiscovery{Fake: &clienttesting.Fake{}, FakedServerVersion: &version.Info{GitVersion: "v1.30.0"}}
		if err := knativeversion.CheckMinimumVersion(server); err != nil {
			t.Error(err)
		}
	}},
	{ID: "C103", Sentence: "With the ConfigMaps as shipped, /metrics serves the work queues' and every metric of the docs: one leader a kind, no token", Once: true, OnCluster: metrics},
	{ID: "C104", Sentence: "The controller runs as the Pod standard restricted asks, which its namespace enforces, on a read-only root", Once: true, OnCluster: func(t *T, c *Cluster) {
		namespace, err := c.Kube.CoreV1().Namespaces().Get(c.ctx, system, metav1.GetOptions{})
		if err != nil || namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
			t.Errorf("%v, labels %v", err, namespace.Labels)
		}
		for _, pod := range c.replicas() {
			for _, container := range pod.Spec.Containers {
				if s := container.SecurityContext; s == nil || !*s.RunAsNonRoot || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation ||
					s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
					t.Errorf("container %s of %s: %+v", container.Name, pod.Name, s)
				}
			}
		}
	}},
	{ID: "C105", Sentence: "The controller may do what it does, and nothing else: no Secrets but by name, none made but in custody, no delete, no spec", OnCluster: func(t *T, c *Cluster) {
		payments := stage.Payments.Namespace
		for line, want := range map[string]bool{
			"list tekton.dev customruns": true, "watch tekton.dev customruns": true, "get tekton.dev customruns": true, "update tekton.dev customruns/status": true,
			"update tekton.dev customruns/finalizers": true, "create tekton.dev taskruns": true, "patch tekton.dev taskruns": true, "get tekton.dev pipelineruns": true,
			"list  namespaces": true, "update  namespaces": false, "create  events": true, "get  secrets " + stage.Payments.Secret: true,
			"update tekton.dev customruns": false, "patch tekton.dev customruns": false, "delete tekton.dev customruns": false, "create tekton.dev customruns": false,
			"delete tekton.dev taskruns": false, "update tekton.dev taskruns/status": false, "list tekton.dev pipelineruns": false, "patch tekton.dev pipelineruns": false,
			"list  secrets": false, "watch  secrets": false, "get  secrets": false, "get  secrets another": false, "create  secrets": t.Mode == Custody, "delete  secrets": t.Mode == Custody,
			"create  pods": false, "create  pods/exec": false, "create  serviceaccounts/token": false, "impersonate  users": false, "get  configmaps": false,
			"create rbac.authorization.k8s.io rolebindings": false, "escalate rbac.authorization.k8s.io clusterroles": false,
			"use " + v1alpha1.Group + " " + v1alpha1.TenantsResource: false, "list admissionregistration.k8s.io validatingadmissionpolicies": true, "update admissionregistration.k8s.io validatingadmissionpolicies": false,
		} {
			parts := strings.Split(line+" ", " ")
			resource, sub, _ := strings.Cut(parts[2], "/")
			if got := c.mayI(authorizationv1.ResourceAttributes{Namespace: payments, Verb: parts[0], Group: parts[1], Resource: resource, Subresource: sub, Name: parts[3]}); got != want {
				t.Errorf("may the controller %s: %v, want %v", line, got, want)
			}
		}
	}},
	{ID: "C106", Sentence: "A webhook never stands in Tekton's way", Why: "no webhook is shipped: what admission decides are ValidatingAdmissionPolicies, which the API server evaluates itself"},
	{ID: "C107", Sentence: "10,000 CustomRuns of others and 10,000 that have ended cost the cache at most 2 KiB each", Once: true, InProcess: func(t *T) {
		foreign := func(r *v1beta1.CustomRun) { r.Spec.CustomRef.APIVersion = "example.dev/v1" }
		ended := func(r *v1beta1.CustomRun) { r.Status.CompletionTime = &metav1.Time{Time: time.Unix(1, 0)} }
		for name, edit := range map[string]func(*v1beta1.CustomRun){"another's": foreign, "ended": ended} {
			got := cost(t, edit)
			t.Logf("%s: %d bytes", name, got)
			if got > perForeign {
				t.Errorf("%s: %d bytes are kept of each", name, got)
			}
		}
	}},
}

// deployment is the one that config/ installs.
func deployment(t *T) *appsv1.Deployment {
	t.Helper()
	data, err := os.ReadFile("../../config/500-controller.yaml")
	if err != nil {
		t.Fatal(err)
	}
	document, _, _ := strings.Cut(string(data), "\n---\n")
	d := &appsv1.Deployment{}
	if err := yaml.Unmarshal([]byte(document), d); err != nil || len(d.Spec.Template.Spec.Containers) == 0 {
		t.Fatalf("config/500-controller.yaml: %v", err)
	}
	return d
}

// cost is how many bytes the cache keeps of a CustomRun that comes with 20 KiB.
func cost(t *T, edit func(*v1beta1.CustomRun)) int {
	const runs = 10_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	kept := make([]any, runs)
	before := heap()
	for i := range kept {
		r := reconcilertest.NewCustomRun(ns, fmt.Sprintf("pipeline-%d", i), fmt.Sprintf("run-%d", i), v1alpha1.KindPushImage)
		r.Spec.Params[0].Value = *v1beta1.NewStructuredValues(strings.Repeat("x", 20<<10))
		r.Status.Results = []v1beta1.CustomRunResult{{Name: "big", Value: strings.Clone(r.Spec.Params[0].Value.StringVal)}}
		edit(r)
		slim, err := customrun.Slim(r)
		if err != nil {
			t.Fatal(err)
		}
		kept[i] = slim
	}
	after := heap()
	runtime.KeepAlive(kept)
	return int(after-min(after, before)) / runs
}
