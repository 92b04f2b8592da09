//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/test/stage"
)

// TestChaos pushes many times from one volume while, in an order that a seed gives, every one of the faults happens. CHAOS_SEED
// replays one.
func TestChaos(t *testing.T) {
	const pushes, times = 40, 2
	ctx := within(t, 10*time.Minute)
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv("CHAOS_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("CHAOS_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, seed))
	claim := imageVolume(t, ctx)
	seen := watchRuns(t, ctx, stage.Payments.Namespace, "")
	var due []string
	for range times {
		due = append(due, slices.Sorted(maps.Keys(faults))...)
	}
	random.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })

	var names []string
	happened := map[string]int{}
	for i := range pushes {
		run := stage.From(claim, stage.NewPush(stage.Payments, stage.Payments.Repository))
		run.GenerateName, run.Name = "", fmt.Sprintf("chaos-%x-%d", seed, i)
		if _, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Create(ctx, run, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		names = append(names, run.Name)
		if i%2 == 1 && i/2 < len(due) {
			fault := due[i/2]
			if what := faults[fault](t, ctx, random, names); what != "" {
				t.Logf("%s: %s", fault, what)
				happened[fault]++
			}
		}
	}
	for _, name := range names {
		run := &pipelinev1.PipelineRun{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: stage.Payments.Namespace}}
		if _, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Get(ctx, name, metav1.GetOptions{}); apierrs.IsNotFound(err) {
			continue
		}
		if _, err := s.Wait(ctx, run); err != nil && ctx.Err() != nil {
			t.Fatalf("lost: %v", err)
		}
	}
	seen.check(t, ctx)
	for fault := range faults {
		if happened[fault] == 0 {
			t.Errorf("%s never happened", fault)
		}
	}
}

// faults each do one thing that goes wrong, and say to what; "" if that was not there any more.
var faults = map[string]func(t *testing.T, ctx context.Context, random *rand.Rand, names []string) string{
	"leader killed": func(t *testing.T, ctx context.Context, _ *rand.Rand, _ []string) string {
		pod, err := leader(ctx, "pushimage", func(name string) bool {
			pod, err := s.Kube.CoreV1().Pods("quay-push").Get(ctx, name, metav1.GetOptions{})
			return err == nil && pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodRunning
		})
		if err != nil {
			t.Fatal(err)
		}
		how, err := s.Kill(ctx, pod)
		return did(t, pod+" by "+how, err)
	},
	"replica deleted": func(t *testing.T, ctx context.Context, random *rand.Rand, _ []string) string {
		pods, err := s.Kube.CoreV1().Pods("quay-push").List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=controller"})
		if err != nil || len(pods.Items) == 0 {
			return did(t, "", err)
		}
		pod := pods.Items[random.IntN(len(pods.Items))].Name
		return did(t, pod, s.Kube.CoreV1().Pods("quay-push").Delete(ctx, pod, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}))
	},
	"TaskRun deleted": func(t *testing.T, ctx context.Context, random *rand.Rand, _ []string) string {
		task := running(t, ctx, random).Name
		return did(t, task, s.Tekton.TektonV1().TaskRuns(stage.Payments.Namespace).Delete(ctx, task, metav1.DeleteOptions{}))
	},
	"label removed": func(t *testing.T, ctx context.Context, random *rand.Rand, _ []string) string {
		task := running(t, ctx, random).Name
		_, err := s.Tekton.TektonV1().TaskRuns(stage.Payments.Namespace).Patch(ctx, task, types.MergePatchType, []byte(`{"metadata":{"labels":{"quay.comptech-lab.com/managed":null}}}`), metav1.PatchOptions{})
		return did(t, task, err)
	},
	"Pod evicted": func(t *testing.T, ctx context.Context, random *rand.Rand, _ []string) string {
		pod := running(t, ctx, random).Status.PodName
		eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod}, DeleteOptions: &metav1.DeleteOptions{GracePeriodSeconds: new(int64)}}
		return did(t, pod, s.Kube.CoreV1().Pods(stage.Payments.Namespace).EvictV1(ctx, eviction))
	},
	"PipelineRun deleted mid-push": func(t *testing.T, ctx context.Context, random *rand.Rand, _ []string) string {
		name := running(t, ctx, random).Labels["tekton.dev/pipelineRun"]
		return did(t, name, s.Tekton.TektonV1().PipelineRuns(stage.Payments.Namespace).Delete(ctx, name, metav1.DeleteOptions{}))
	},
	"PipelineRun cancelled": func(t *testing.T, ctx context.Context, random *rand.Rand, names []string) string {
		name := names[random.IntN(len(names))]
		_, err := s.Tekton.TektonV1().PipelineRuns(stage.Payments.Namespace).Patch(ctx, name, types.MergePatchType, []byte(`{"spec":{"status":"Cancelled"}}`), metav1.PatchOptions{})
		return did(t, name, err)
	},
	"Secret rotated mid-push": func(t *testing.T, ctx context.Context, random *rand.Rand, _ []string) string {
		name := running(t, ctx, random).Name
		return did(t, "while "+name+" pushes", s.PutSecret(ctx, stage.Payments, stage.Payments.Secret, corev1.SecretTypeDockerConfigJson, s.Quay.Dockerconfig(stage.Payments.Team)))
	},
}

// did returns what a fault was done to, or "" where that was gone or had ended.
func did(t *testing.T, what string, err error) string {
	t.Helper()
	switch {
	case err == nil:
		return what
	case !apierrs.IsNotFound(err) && !apierrs.IsInvalid(err) && !apierrs.IsBadRequest(err):
		t.Errorf("doing harm to %s: %v", what, err)
	}
	return ""
}

// running waits until there is a push of which the Pod was made and that has not ended, and returns one.
func running(t *testing.T, ctx context.Context, random *rand.Rand) (task pipelinev1.TaskRun) {
	t.Helper()
	waitUntil(t, ctx, "a push is under way", func() bool {
		tasks, err := s.Tekton.TektonV1().TaskRuns(stage.Payments.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "tekton.dev/customRun"})
		if err != nil {
			t.Fatal(err)
		}
		tasks.Items = slices.DeleteFunc(tasks.Items, func(t pipelinev1.TaskRun) bool { return t.IsDone() || t.Status.PodName == "" })
		if len(tasks.Items) > 0 {
			task = tasks.Items[random.IntN(len(tasks.Items))]
		}
		return len(tasks.Items) > 0
	})
	return task
}

// imageVolume returns a claim of team payments with an image in it.
func imageVolume(t *testing.T, ctx context.Context) string {
	t.Helper()
	claim, err := s.ImageVolume(ctx, stage.Payments)
	t.Cleanup(func() {
		_ = s.Kube.CoreV1().PersistentVolumeClaims(stage.Payments.Namespace).Delete(context.Background(), claim, metav1.DeleteOptions{})
	})
	if err != nil {
		t.Fatal(err)
	}
	return claim
}
