//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/test/stage"
)

// TestChaos pushes many times from one volume while, by a seed, replicas of the controller are killed, TaskRuns deleted and
// stripped of their label, PipelineRuns deleted and cancelled, and the Secret rotated to the same token. CHAOS_SEED replays one.
func TestChaos(t *testing.T) {
	const pushes, faults = 40, 24
	ctx := within(t, 10*time.Minute)
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv("CHAOS_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("CHAOS_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, seed))
	claim := imageVolume(t, ctx)
	seen := watchRuns(t, ctx)

	var names []string
	for i := range pushes {
		run := stage.From(claim, stage.NewPush(stage.Payments, stage.Payments.Repository))
		run.GenerateName, run.Name = "", fmt.Sprintf("chaos-%x-%d", seed, i)
		run.Labels = map[string]string{"chaos": strconv.FormatUint(seed, 16)}
		if _, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Create(ctx, run, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		names = append(names, run.Name)
		if i%2 == 0 && i/2 < faults {
			fault(t, ctx, random, names)
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
}

// fault does one thing that goes wrong.
func fault(t *testing.T, ctx context.Context, random *rand.Rand, names []string) {
	t.Helper()
	name, ns := names[random.IntN(len(names))], stage.Payments.Namespace
	var err error
	switch kind := random.IntN(7); kind {
	case 0, 1:
		pods, listErr := s.Kube.CoreV1().Pods("quay-push").List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=controller"})
		if listErr != nil || len(pods.Items) == 0 {
			return
		}
		pod := pods.Items[random.IntN(len(pods.Items))].Name
		t.Logf("killing %s", pod)
		err = s.Kube.CoreV1().Pods("quay-push").Delete(ctx, pod, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
	case 2:
		t.Logf("deleting TaskRun of %s", name)
		err = s.Tekton.TektonV1().TaskRuns(ns).Delete(ctx, name+"-push", metav1.DeleteOptions{})
	case 3:
		t.Logf("taking the label off the TaskRun of %s", name)
		_, err = s.Tekton.TektonV1().TaskRuns(ns).Patch(ctx, name+"-push", types.MergePatchType, []byte(`{"metadata":{"labels":{"quay.comptech-lab.com/managed":null}}}`), metav1.PatchOptions{})
	case 4:
		t.Logf("deleting %s", name)
		err = s.Tekton.TektonV1().PipelineRuns(ns).Delete(ctx, name, metav1.DeleteOptions{})
	case 5:
		t.Logf("cancelling %s", name)
		_, err = s.Tekton.TektonV1().PipelineRuns(ns).Patch(ctx, name, types.MergePatchType, []byte(`{"spec":{"status":"Cancelled"}}`), metav1.PatchOptions{})
	default:
		t.Log("rotating the Secret")
		err = s.PutSecret(ctx, stage.Payments, stage.Payments.Secret, corev1.SecretTypeDockerConfigJson, s.Quay.Dockerconfig(stage.Payments.Team))
	}
	if err != nil && !apierrs.IsNotFound(err) && !apierrs.IsInvalid(err) && !apierrs.IsBadRequest(err) {
		t.Errorf("doing harm: %v", err)
	}
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

// history is what the API server showed of CustomRuns and TaskRuns.
type history struct {
	sync.Mutex
	taskRuns map[string]map[types.UID]bool // by the UID of the CustomRun
	ends     map[types.UID]string
	bad      []string
	open     map[types.UID]string
}

// watchRuns records until ctx ends.
func watchRuns(t *testing.T, ctx context.Context) *history {
	t.Helper()
	h := &history{taskRuns: map[string]map[types.UID]bool{}, ends: map[types.UID]string{}, open: map[types.UID]string{}}
	tasks, err := s.Tekton.TektonV1().TaskRuns(stage.Payments.Namespace).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	runs, err := s.Tekton.TektonV1beta1().CustomRuns(stage.Payments.Namespace).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for event := range tasks.ResultChan() {
			if task, ok := event.Object.(*pipelinev1.TaskRun); ok {
				if owner := metav1.GetControllerOf(task); owner != nil && owner.Kind == "CustomRun" {
					h.Lock()
					if h.taskRuns[string(owner.UID)] == nil {
						h.taskRuns[string(owner.UID)] = map[types.UID]bool{}
					}
					h.taskRuns[string(owner.UID)][task.UID] = true
					h.Unlock()
				}
			}
		}
	}()
	go func() {
		for event := range runs.ResultChan() {
			if run, ok := event.Object.(*v1beta1.CustomRun); ok {
				h.record(run, string(event.Type))
			}
		}
	}()
	return h
}

func (h *history) record(run *v1beta1.CustomRun, event string) {
	h.Lock()
	defer h.Unlock()
	outcome := stage.Outcome(run.Status.Conditions)
	end := fmt.Sprintf("%s %s %v", outcome.Status, outcome.Reason, run.Status.CompletionTime)
	if before, ended := h.ends[run.UID]; ended && before != end {
		h.bad = append(h.bad, fmt.Sprintf("CustomRun %s ended twice: %s, then %s", run.Name, before, end))
	}
	h.open[run.UID] = run.Name
	if outcome.Status != corev1.ConditionUnknown {
		h.ends[run.UID] = end
	}
	if outcome.Status != corev1.ConditionUnknown || event == "DELETED" {
		delete(h.open, run.UID)
	}
}

// check waits until all have ended, and holds what was seen against what must be.
func (h *history) check(t *testing.T, ctx context.Context) {
	t.Helper()
	for {
		h.Lock()
		left := len(h.open)
		h.Unlock()
		if left == 0 {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d CustomRuns have not ended: %v", left, h.open)
		case <-time.After(200 * time.Millisecond):
		}
	}
	h.Lock()
	defer h.Unlock()
	for _, bad := range h.bad {
		t.Error(bad)
	}
	for owner, tasks := range h.taskRuns {
		if len(tasks) > 1 {
			t.Errorf("CustomRun %s had %d TaskRuns", owner, len(tasks))
		}
	}
	ends := map[string]int{}
	for _, end := range h.ends {
		var status, reason string
		if _, err := fmt.Sscan(end, &status, &reason); err == nil {
			ends[status+" "+reason]++
		}
	}
	t.Logf("%d CustomRuns, %d with a TaskRun; ends: %v", len(h.ends), len(h.taskRuns), ends)
}
