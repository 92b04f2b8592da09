package conformance

import (
	"context"
	"embed"
	"encoding/json"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	duckv1 "knative.dev/pkg/apis/duck/v1"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// manifests are PipelineRuns, each by the ID of the line that it was written for.
//
//go:embed manifests/*.yaml
var manifests embed.FS

// Cluster is a real cluster as one check sees it: what goes wrong ends the check.
type Cluster struct {
	*stage.Stage
	t     *T
	ctx   context.Context
	claim string
}

// openCluster sets the stage, and leaves an image in a volume for the checks to push.
func openCluster(t *testing.T) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	t.Cleanup(cancel)
	s, err := stage.Open(ctx, "../..", t.Output())
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{Stage: s, t: &T{t, Default}, ctx: ctx}
	claim, err := s.ImageVolume(ctx, stage.Payments)
	c.must(err)
	t.Cleanup(func() {
		c.must(s.Kube.CoreV1().PersistentVolumeClaims(stage.Payments.Namespace).Delete(ctx, claim, metav1.DeleteOptions{}))
	})
	c.claim = claim
	return c
}

// takeIntoCustody has the robots in custody until the test ends.
func (c *Cluster) takeIntoCustody() {
	c.t.Helper()
	c.t.Cleanup(func() {
		secrets, err := c.Kube.CoreV1().Secrets(stage.Payments.Namespace).List(c.ctx, metav1.ListOptions{LabelSelector: v1alpha1.LabelTeam})
		if err != nil || len(secrets.Items) > 0 {
			c.t.Errorf("%d copies are left, %v", len(secrets.Items), err)
		}
		c.must(c.Release(context.WithoutCancel(c.ctx), stage.Payments))
	})
	c.must(c.TakeIntoCustody(c.ctx, stage.Payments))
	c.must(c.BindCustody(c.ctx, stage.Payments))
}

// with is the cluster as another test sees it.
func (c *Cluster) with(t *T) *Cluster {
	other := *c
	other.t = t
	return &other
}

func (c *Cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// until asks until done, or an error.
func (c *Cluster) until(what string, done func() (bool, error)) {
	c.t.Helper()
	err := wait.PollUntilContextTimeout(c.ctx, 100*time.Millisecond, 90*time.Second, true, func(context.Context) (bool, error) { return done() })
	if err != nil {
		c.t.Fatalf("waiting for %s: %v", what, err)
	}
}

// create makes the PipelineRun of manifests/ID.yaml, as team payments; it is deleted when the check ends.
func (c *Cluster) create(id string) *pipelinev1.PipelineRun {
	c.t.Helper()
	data, err := manifests.ReadFile("manifests/" + id + ".yaml")
	c.must(err)
	text := strings.NewReplacer("IMAGE_REF", stage.Payments.Repository, "CLAIM", c.claim).Replace(string(data))
	pr := &pipelinev1.PipelineRun{}
	c.must(yaml.UnmarshalStrict([]byte(text), pr))
	runs := c.Tekton.TektonV1().PipelineRuns(stage.Payments.Namespace)
	pr, err = runs.Create(c.ctx, pr, metav1.CreateOptions{})
	c.must(err)
	c.t.Cleanup(func() {
		if err := runs.Delete(context.WithoutCancel(c.ctx), pr.Name, metav1.DeleteOptions{}); err != nil && !apierrs.IsNotFound(err) {
			c.t.Error(err)
		}
	})
	return pr
}

// end waits until the PipelineRun has ended.
func (c *Cluster) end(pr *pipelinev1.PipelineRun) *pipelinev1.PipelineRun {
	c.t.Helper()
	pr, err := c.Wait(c.ctx, pr)
	c.must(err)
	return pr
}

func (c *Cluster) patch(pr *pipelinev1.PipelineRun, patch string) {
	c.t.Helper()
	_, err := c.Tekton.TektonV1().PipelineRuns(pr.Namespace).Patch(c.ctx, pr.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	c.must(err)
}

// custom returns the CustomRun of a pipeline task.
func (c *Cluster) custom(pr *pipelinev1.PipelineRun, task string) *v1beta1.CustomRun {
	c.t.Helper()
	custom, err := c.Tekton.TektonV1beta1().CustomRuns(pr.Namespace).Get(c.ctx, pr.Name+"-"+task, metav1.GetOptions{})
	c.must(err)
	return custom
}

// task returns the TaskRun of a pipeline task, Tekton's or ours.
func (c *Cluster) task(pr *pipelinev1.PipelineRun, task string) *pipelinev1.TaskRun {
	c.t.Helper()
	run, err := c.Tekton.TektonV1().TaskRuns(pr.Namespace).Get(c.ctx, pr.Name+"-"+task, metav1.GetOptions{})
	c.must(err)
	return run
}

// running waits until the CustomRun has a TaskRun.
func (c *Cluster) running(pr *pipelinev1.PipelineRun, task string) {
	c.t.Helper()
	c.until("the push to run", func() (bool, error) {
		custom, err := c.Tekton.TektonV1beta1().CustomRuns(pr.Namespace).Get(c.ctx, pr.Name+"-"+task, metav1.GetOptions{})
		if apierrs.IsNotFound(err) {
			return false, nil
		}
		return err == nil && len(custom.Status.Conditions) > 0, err
	})
}

// endCustom waits until the CustomRun has ended.
func (c *Cluster) endCustom(pr *pipelinev1.PipelineRun, task string) *v1beta1.CustomRun {
	c.t.Helper()
	c.until("the CustomRun to end", func() (bool, error) { return c.custom(pr, task).IsDone(), nil })
	return c.custom(pr, task)
}

// pod waits until the TaskRun has a Pod.
func (c *Cluster) pod(pr *pipelinev1.PipelineRun, task string) (pod *corev1.Pod) {
	c.t.Helper()
	c.until("the Pod", func() (bool, error) {
		name := c.task(pr, task).Status.PodName
		if name == "" {
			return false, nil
		}
		var err error
		pod, err = c.Kube.CoreV1().Pods(pr.Namespace).Get(c.ctx, name, metav1.GetOptions{})
		return err == nil, err
	})
	return pod
}

func (c *Cluster) deleteCustom(pr *pipelinev1.PipelineRun, task string) {
	c.t.Helper()
	c.must(c.Tekton.TektonV1beta1().CustomRuns(pr.Namespace).Delete(c.ctx, pr.Name+"-"+task, metav1.DeleteOptions{}))
}

// gone waits until get finds nothing, or another of the same name.
func (c *Cluster) gone(what string, uid types.UID, get func() (metav1.Object, error)) {
	c.t.Helper()
	c.until(what+" to be deleted", func() (bool, error) {
		object, err := get()
		if apierrs.IsNotFound(err) {
			return true, nil
		}
		return err == nil && object.GetUID() != uid, err
	})
}

func (c *Cluster) wantOutcome(conditions duckv1.Conditions, status corev1.ConditionStatus, reason string) {
	c.t.Helper()
	if got := stage.Outcome(conditions); got.Status != status || got.Reason != reason {
		c.t.Errorf("Succeeded=%s, %s: %s; want %s, %s", got.Status, got.Reason, got.Message, status, reason)
	}
}

// everythingOf returns what anybody could read of a run, by what it is.
func (c *Cluster) everythingOf(pr *pipelinev1.PipelineRun) map[string][]byte {
	c.t.Helper()
	all := map[string][]byte{}
	encode := func(name string, object any, err error) {
		c.t.Helper()
		c.must(err)
		all[name], err = json.Marshal(object)
		c.must(err)
	}
	logs := func(name, namespace, pod string, options *corev1.PodLogOptions) {
		c.t.Helper()
		data, err := c.Kube.CoreV1().Pods(namespace).GetLogs(pod, options).DoRaw(c.ctx)
		c.must(err)
		all[name] = data
	}
	encode("the PipelineRun", pr, nil)
	encode("the CustomRun", c.custom(pr, "push"), nil)
	task := c.task(pr, "push")
	encode("the TaskRun", task, nil)
	events, err := c.Kube.CoreV1().Events(pr.Namespace).List(c.ctx, metav1.ListOptions{})
	encode("the events", events, err)
	pod, err := c.Kube.CoreV1().Pods(pr.Namespace).Get(c.ctx, task.Status.PodName, metav1.GetOptions{})
	encode("the Pod", pod, err)
	logs("the push's log", pod.Namespace, pod.Name, &corev1.PodLogOptions{Container: "step-push"})
	for _, replica := range c.replicas() {
		logs("the log of "+replica.Name, system, replica.Name, &corev1.PodLogOptions{})
	}
	return all
}
