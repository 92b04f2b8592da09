package pushimage

import (
	"slices"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// tekton lets Tekton's controllers or the garbage collector do one thing.
func (c *chaos) tekton() {
	if c.random.IntN(3) == 0 && c.world.CollectGarbage() {
		return
	}
	if c.random.IntN(4) == 0 {
		c.list()
	}
	name := c.names[c.random.IntN(len(c.names))]
	if task := c.task(name); task != nil {
		c.advance(task)
	}
}

func (c *chaos) advance(task *pipelinev1.TaskRun) bool {
	next := reconcilertest.Advance(task, c.random, c.world.Clock.Now())
	if next == nil {
		return false
	}
	if next.Status.GetCondition(apis.ConditionSucceeded).Reason == "PodEvicted" {
		c.count("evicted")
	}
	if task.IsDone() {
		c.count("came back")
		c.history[runOf(task)].back = true
	}
	c.world.Update(next)
	c.logf("Tekton: TaskRun %s is %v", task.Name, next.Status.GetCondition(apis.ConditionSucceeded))
	c.observe()
	return true
}

// list writes the CustomRuns into the PipelineRun's status.
func (c *chaos) list() {
	if pr := c.pipelineRun(); pr != nil && len(pr.Status.ChildReferences) == 0 {
		pr.Status.ChildReferences = reconcilertest.NewPipelineRun(ns, "", c.names...).Status.ChildReferences
		c.world.Update(pr)
	}
}

// disturb does one thing that a person or the platform could do.
func (c *chaos) disturb(l *leader) {
	name := c.names[c.random.IntN(len(c.names))]
	custom, task := c.customRun(name), c.task(name)
	switch c.random.IntN(19) {
	case 0:
		c.cancel(custom, v1beta1.CustomRunCancelledByPipelineMsg)
	case 2, 3:
		if task != nil {
			c.deleteTaskRun(custom, task)
		}
	case 4, 5:
		// In custody nobody but the platform has a hand on it.
		if task != nil && task.Labels[v1alpha1.LabelManaged] != "" && !c.copies {
			c.count("label removed")
			c.logf("TaskRun %s loses its label", name)
			delete(task.Labels, v1alpha1.LabelManaged)
			c.world.Update(task)
		}
	case 1, 6, 7, 8:
		c.count("Secret rotated")
		c.secret(true)
	case 9:
		if c.random.IntN(2) == 0 {
			c.count("Secret missing")
			c.secret(false)
		}
	case 10, 11:
		c.count("API server down")
		c.down = c.world.Clock.Now().Add(time.Minute)
	case 12, 13:
		if l.busy == "" {
			c.count("killed between")
			l.Restart()
			l.due = map[types.NamespacedName]time.Time{}
		}
	case 14:
		if pr := c.pipelineRun(); pr != nil && c.random.IntN(2) == 0 {
			c.count("PipelineRun deleted")
			c.world.Delete(pr)
		}
	case 15:
		if c.random.IntN(2) == 0 {
			c.end()
		}
	case 16:
		c.hold(custom, task)
	case 17:
		// Until it is recorded, nothing else tells whose it is.
		if s, err := recorded(custom); err == nil && task != nil && task.UID == s.TaskRun.UID && !c.copies && len(task.OwnerReferences) > 0 {
			c.count("owner stripped")
			c.logf("TaskRun %s loses its owner", name)
			task.OwnerReferences = nil
			c.world.Update(task)
		}
	case 18:
		if c.random.IntN(4) == 0 {
			c.count("namespace relabelled")
			c.relabelled = true
			relabel(c.world, []string{"platform", "payments", ""}[c.random.IntN(3)])
		}
	}
}

func recorded(custom *v1beta1.CustomRun) (state, error) {
	if custom == nil {
		return state{}, nil
	}
	return stateOf(custom)
}

// hold is a delete of the one or the other that somebody's finalizer holds back. Kubernetes deletes what a CustomRun owns that is
// deleted in the foreground, but nothing that is made for it from then on.
func (c *chaos) hold(custom *v1beta1.CustomRun, task *pipelinev1.TaskRun) {
	now := metav1.Time{Time: c.world.Clock.Now()}
	switch {
	case c.random.IntN(2) == 0 && task != nil && !c.copies && task.DeletionTimestamp == nil:
		c.count("TaskRun held")
		c.logf("TaskRun %s is deleted, and held", task.Name)
		task.Finalizers, task.DeletionTimestamp = []string{"attacker.example.com/hold"}, &now
		c.world.Update(task)
	case custom != nil && custom.DeletionTimestamp == nil:
		c.count("CustomRun held")
		c.logf("%s is deleted, and held", custom.Name)
		custom.Finalizers, custom.DeletionTimestamp = []string{metav1.FinalizerDeleteDependents}, &now
		c.world.Update(custom)
		if task != nil && !c.copies && len(task.OwnerReferences) > 0 && c.random.IntN(2) == 0 {
			c.deleteTaskRun(custom, task)
		}
	}
}

func (c *chaos) cancel(custom *v1beta1.CustomRun, why v1beta1.CustomRunSpecStatusMessage) {
	if custom == nil || custom.IsCancelled() {
		return
	}
	c.count("cancelled")
	if custom.IsDone() {
		c.count("cancelled after its end")
	}
	custom.Spec.Status, custom.Spec.StatusMessage = v1beta1.CustomRunSpecStatusCancelled, why
	custom.Generation++
	c.world.Update(custom)
	c.logf("%s is cancelled", custom.Name)
}

// end is the end of the PipelineRun by its timeout: it does not wait for its children.
func (c *chaos) end() {
	pr := c.pipelineRun()
	if pr == nil || pr.IsDone() {
		return
	}
	c.count("PipelineRun ended")
	for _, name := range c.names {
		c.cancel(c.customRun(name), v1beta1.CustomRunCancelledByPipelineTimeoutMsg)
	}
	pr.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionFalse, Reason: "PipelineRunTimeout"})
	c.world.Update(pr)
}

// deleteTaskRun is somebody's kubectl delete. Until the CustomRun's status names the TaskRun nothing else does, and who deletes
// it before, or in the moment between a leader's last look and its create, gets another one.
func (c *chaos) deleteTaskRun(custom *v1beta1.CustomRun, task *pipelinev1.TaskRun) {
	if custom == nil {
		return
	}
	busy := slices.ContainsFunc(c.leaders, func(l *leader) bool { return l.busy == runOf(task) })
	if s, err := stateOf(custom); err != nil || s.TaskRun.UID != task.UID || busy {
		c.count("TaskRun deleted before it was recorded")
		c.history[runOf(task)].allowed++
	}
	c.count("TaskRun deleted")
	c.logf("TaskRun %s is deleted", task.Name)
	c.world.Delete(task)
}

// secret gives the tenant's Secret a new token, or takes it away.
func (c *chaos) secret(there bool) {
	secret := reconcilertest.NewSecret(c.home, reconcilertest.Secret, "team-payments+ci-b")
	_, err := c.world.Kube.Tracker().Get(corev1.SchemeGroupVersion.WithResource("secrets"), c.home, reconcilertest.Secret)
	switch {
	case err == nil && there:
		c.world.Update(secret)
	case err == nil:
		c.world.Delete(secret)
	case there:
		c.world.Add(secret)
	}
}
