//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// flood is the label of what these tests leave behind if they are stopped.
const flood = "quay-push-flood"

// CustomRuns of the largest size that Kubernetes takes, of ours and of a foreign kind, which nobody lets go: policy size refuses ours, and without
// it, too, the controller stays within its memory.
func TestLargeCustomRuns(t *testing.T) {
	const mostMemory = 160 << 20
	// Together they are most of what etcd and the API server can hold at the cluster's default sizes: 300 by hand, E2E_LARGE=300.
	runs := 60
	if n, err := strconv.Atoi(os.Getenv("E2E_LARGE")); err == nil {
		runs = n
	}
	ctx := within(t, 15*time.Minute)
	client := s.Tekton.TektonV1beta1().CustomRuns(stage.Platform.Namespace)
	t.Cleanup(func() { drain(t) })
	large := func(i int, apiVersion string) *v1beta1.CustomRun {
		return &v1beta1.CustomRun{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("large-%03d", i), Labels: map[string]string{flood: "yes"}, Finalizers: []string{"attacker.example.com/hold"}},
			Spec: v1beta1.CustomRunSpec{CustomRef: &v1beta1.TaskRef{APIVersion: apiVersion, Kind: v1alpha1.KindPushImage}, Params: v1beta1.Params{
				{Name: v1alpha1.ParamImageRef, Value: *v1beta1.NewStructuredValues(stage.Platform.Repository)},
				{Name: v1alpha1.ParamSource, Value: *v1beta1.NewStructuredValues(strings.Repeat("a", 1_400_000))}}},
		}
	}
	if _, err := client.Create(ctx, large(0, v1alpha1.APIVersion), metav1.CreateOptions{}); !apierrs.IsInvalid(err) {
		t.Errorf("a CustomRun of 1.4 MB: %v, want Invalid", err)
	}
	setAction(t, "size.quay.comptech-lab.com", admissionv1.Audit)
	t.Cleanup(func() { setAction(t, "size.quay.comptech-lab.com", admissionv1.Deny) })
	waitUntil(t, ctx, "the policy only audits", func() bool {
		_, err := client.Create(ctx, large(0, v1alpha1.APIVersion), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err == nil
	})
	before, most := restarts(t, ctx), uint64(0)
	each(t, runs, 4, func(i int) error {
		apiVersion := v1alpha1.APIVersion
		if i%10 == 9 {
			apiVersion = "attacker.example.com/v1"
		}
		if _, err := client.Create(ctx, large(i, apiVersion), metav1.CreateOptions{}); err != nil {
			return err
		}
		return client.Delete(ctx, fmt.Sprintf("large-%03d", i), metav1.DeleteOptions{})
	}, func() { most = max(most, memory(t, ctx)) })
	// A new leader reads all of them at once.
	if err := s.Kube.CoreV1().Pods("quay-push").DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=controller"}); err != nil {
		t.Fatal(err)
	}
	answer := probe(t, ctx)
	for range 20 {
		most = max(most, memory(t, ctx))
		time.Sleep(time.Second) // The kubelet measures every few seconds.
	}
	t.Logf("another team was answered in %s; the controller took %d MiB at most", answer.Round(time.Millisecond), most>>20)
	if most > mostMemory || most == 0 {
		t.Errorf("the controller took %d MiB, want at most %d", most>>20, mostMemory>>20)
	}
	if now := restarts(t, ctx); now > before {
		t.Errorf("its containers were started again %d times", now-before)
	}
}

// Two thousand CustomRuns that claim a live PipelineRun which never lists them: another team is answered as if they were not there.
func TestUnlistedCustomRuns(t *testing.T) {
	const runs, most = 2000, 2 * time.Second
	ctx := within(t, 6*time.Minute)
	t.Cleanup(func() { drain(t) })
	var alone []time.Duration
	for range 5 {
		alone = append(alone, probe(t, ctx))
	}
	owner := stage.NewPush(stage.Platform, stage.Platform.Repository)
	owner.Labels = map[string]string{flood: "yes"}
	owner.Spec.Status = pipelinev1.PipelineRunSpecStatusPending
	owner, err := s.Tekton.TektonV1().PipelineRuns(stage.Platform.Namespace).Create(ctx, owner, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var among []time.Duration
	each(t, runs, 8, func(i int) error {
		_, err := s.Tekton.TektonV1beta1().CustomRuns(stage.Platform.Namespace).Create(ctx, &v1beta1.CustomRun{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("unlisted-%04d", i), Labels: map[string]string{flood: "yes"}, OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "tekton.dev/v1", Kind: "PipelineRun", Name: owner.Name, UID: owner.UID, Controller: new(true)}}},
			Spec: v1beta1.CustomRunSpec{CustomRef: &v1beta1.TaskRef{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KindPushImage},
				Params:     v1beta1.Params{{Name: v1alpha1.ParamImageRef, Value: *v1beta1.NewStructuredValues(stage.Platform.Repository)}},
				Workspaces: []v1beta1.WorkspaceBinding{{Name: v1alpha1.WorkspaceSource, EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
		}, metav1.CreateOptions{})
		return err
	}, func() { among = append(among, probe(t, ctx)) })
	for range 5 {
		among = append(among, probe(t, ctx))
	}
	slices.Sort(alone)
	slices.Sort(among)
	t.Logf("another team's answer: alone %s, among %d unlisted ones %s at the median of %d", alone[len(alone)/2].Round(time.Millisecond), runs, among[len(among)/2].Round(time.Millisecond), len(among))
	if got := among[len(among)/2]; got > most {
		t.Errorf("the median is %s, want at most %s", got, most)
	}
}

// each calls do for 0 to n-1, some at once, and meanwhile look again and again.
func each(t *testing.T, n, atOnce int, do func(int) error, look func()) {
	t.Helper()
	next, failed := make(chan int), make(chan error, n)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					failed <- fmt.Errorf("number %d: %w", i, err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		for i := range n {
			next <- i
		}
		close(next)
		workers.Wait()
		close(done)
	}()
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			close(failed)
			for err := range failed {
				t.Fatal(err)
			}
			return
		case <-tick.C:
			look()
		}
	}
}

// probe is how long another team waits for the first answer to a push that is refused.
func probe(t *testing.T, ctx context.Context) time.Duration {
	t.Helper()
	client := s.Tekton.TektonV1beta1().CustomRuns(stage.Payments.Namespace)
	start := time.Now()
	run, err := client.Create(ctx, &v1beta1.CustomRun{ObjectMeta: metav1.ObjectMeta{GenerateName: "probe-", Labels: map[string]string{flood: "yes"}},
		Spec: v1beta1.CustomRunSpec{CustomRef: &v1beta1.TaskRef{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KindPushImage},
			Params:     v1beta1.Params{{Name: v1alpha1.ParamImageRef, Value: *v1beta1.NewStructuredValues(s.Quay.Host + "/team-platform/sample")}},
			Workspaces: []v1beta1.WorkspaceBinding{{Name: v1alpha1.WorkspaceSource, EmptyDir: &corev1.EmptyDirVolumeSource{}}}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	waitUntil(t, ctx, "another team is answered", func() bool {
		run, err = client.Get(ctx, run.Name, metav1.GetOptions{})
		return err == nil && run.Status.GetCondition(apis.ConditionSucceeded) != nil
	})
	return time.Since(start)
}

// memory is what the larger of the controller's containers has in use now, in bytes, as the kubelet says.
func memory(t *testing.T, ctx context.Context) (most uint64) {
	t.Helper()
	nodes, err := s.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes.Items {
		raw, err := s.Kube.CoreV1().RESTClient().Get().Resource("nodes").Name(node.Name).SubResource("proxy").Suffix("stats/summary").DoRaw(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var summary struct {
			Pods []struct {
				PodRef     struct{ Namespace string } `json:"podRef"`
				Containers []struct {
					Name   string
					Memory struct{ WorkingSetBytes uint64 }
				}
			}
		}
		if err := json.Unmarshal(raw, &summary); err != nil {
			t.Fatal(err)
		}
		for _, pod := range summary.Pods {
			for _, container := range pod.Containers {
				if pod.PodRef.Namespace == "quay-push" && container.Name == "controller" {
					most = max(most, container.Memory.WorkingSetBytes)
				}
			}
		}
	}
	return most
}

// restarts counts how often the controller's containers were started again.
func restarts(t *testing.T, ctx context.Context) (n int32) {
	t.Helper()
	pods, err := s.Kube.CoreV1().Pods("quay-push").List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=controller"})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		for _, container := range pod.Status.ContainerStatuses {
			n += container.RestartCount
		}
	}
	return n
}

// drain lets go of what a flood left, in both teams' namespaces.
func drain(t *testing.T) {
	t.Helper()
	ctx := within(t, 10*time.Minute)
	all := metav1.ListOptions{LabelSelector: flood + "=yes"}
	if err := s.Tekton.TektonV1().PipelineRuns(stage.Platform.Namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, all); err != nil {
		t.Error(err)
	}
	for _, namespace := range []string{stage.Platform.Namespace, stage.Payments.Namespace} {
		client := s.Tekton.TektonV1beta1().CustomRuns(namespace)
		if err := client.DeleteCollection(ctx, metav1.DeleteOptions{}, all); err != nil {
			t.Error(err)
		}
		page := metav1.ListOptions{LabelSelector: all.LabelSelector, Limit: 20}
		for {
			held, err := client.List(ctx, page)
			if err != nil {
				t.Error(err)
				return
			}
			for _, run := range held.Items {
				if len(run.Finalizers) == 0 {
					continue
				}
				if _, err := client.Patch(ctx, run.Name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil && !apierrs.IsNotFound(err) {
					t.Error(err)
				}
			}
			if page.Continue = held.Continue; page.Continue == "" {
				break
			}
		}
	}
}
