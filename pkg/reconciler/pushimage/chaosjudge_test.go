package pushimage

import (
	"encoding/json"
	"strings"

	"github.com/google/go-cmp/cmp"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// history is what the API server had of one CustomRun.
type history struct {
	// tasks are all TaskRuns there ever were, allowed how many there may be.
	tasks   map[types.UID]*pipelinev1.TaskRun
	allowed int
	// back says that Tekton brought the TaskRun back from an eviction.
	back bool
	// waited says that the run waited for its turn.
	waited bool
	// late says that a leader made a Secret for the run after another had ended it, and died.
	late bool
	end  *v1beta1.CustomRunStatus
}

// observe compares what there is now with what was.
func (c *chaos) observe() {
	if c.observed == c.world.Version() {
		return
	}
	c.observed = c.world.Version()
	for _, name := range c.names {
		h, custom, task := c.history[name], c.customRun(name), c.task(name)
		if task != nil {
			h.tasks[task.UID] = task
		}
		if len(h.tasks) > h.allowed {
			c.failf("CustomRun %s: %d TaskRuns were made, want at most %d", name, len(h.tasks), h.allowed)
		}
		if custom == nil {
			continue
		}
		if waits(custom) && !h.waited {
			h.waited = true
			c.count("waited")
		}
		switch {
		case h.end == nil && custom.IsDone():
			h.end = custom.Status.DeepCopy()
			c.logf("%s ended: %+v", name, custom.Status.Conditions)
			c.ended(custom, task)
		case h.end != nil:
			if !equality.Semantic.DeepEqual(h.end, &custom.Status) {
				c.failf("CustomRun %s: its end changed (-was +is):\n%s", name, cmp.Diff(h.end, &custom.Status))
			}
		}
	}
}

// ended checks the end of a run in the moment in which it was written.
func (c *chaos) ended(custom *v1beta1.CustomRun, task *pipelinev1.TaskRun) {
	s := custom.Status
	if len(s.Conditions) != 1 || s.StartTime == nil || s.CompletionTime == nil || s.CompletionTime.Before(s.StartTime) {
		c.failf("CustomRun %s ended as %+v", custom.Name, s)
	}
	why := s.Conditions[0]
	if why.IsTrue() && len(s.Results) != len(v1alpha1.Results) {
		c.failf("CustomRun %s succeeded with the results %v", custom.Name, s.Results)
	}
	if why.IsTrue() && !c.succeeded(custom.Name) {
		c.failf("CustomRun %s succeeded, no TaskRun of it did", custom.Name)
	}
	// What comes back from an eviction in this very moment, or was made because the first was deleted, is stopped when it is seen.
	if task != nil && task.Status.StartTime != nil && !over(task) && !task.IsCancelled() && !c.history[custom.Name].back && len(c.history[custom.Name].tasks) == 1 {
		c.failf("CustomRun %s ended with %s while TaskRun %s runs: %+v", custom.Name, why.Reason, task.Name, task.Status.Conditions)
	}
	if why.Reason != v1beta1.CustomRunReasonTimedOut.String() || task == nil || task.IsDone() {
		return
	}
	if n := len(task.Status.RetriesStatus); n > 0 && c.world.Clock.Since(task.Status.RetriesStatus[n-1].CompletionTime.Time) < custom.Spec.Timeout.Duration {
		c.failf("CustomRun %s timed out between two attempts, before the next was late", custom.Name)
	}
}

func (c *chaos) succeeded(name string) bool {
	for _, task := range c.history[name].tasks {
		if task.Status.GetCondition(apis.ConditionSucceeded).IsTrue() {
			return true
		}
	}
	return false
}

// judge looks at what is left.
func (c *chaos) judge(ends map[string]int) {
	for _, name := range c.names {
		custom, task := c.customRun(name), c.task(name)
		if custom == nil {
			ends["deleted"]++
			if c.copies && task != nil {
				c.failf("CustomRun %s is gone, and TaskRun %s is left in custody", name, task.Name)
			}
			continue
		}
		if !custom.IsDone() {
			c.failf("CustomRun %s is lost: %+v; its TaskRun: %+v", name, custom.Status, task)
			continue
		}
		ends[custom.Status.Conditions[0].Reason]++
		hidden := task != nil && c.hidden(custom, task)
		if task != nil && !over(task) && !task.IsCancelled() && !hidden {
			c.failf("CustomRun %s ended with %s, and TaskRun %s goes on", name, custom.Status.Conditions[0].Reason, task.Name)
		}
		if encoded, err := json.Marshal(custom); err != nil || strings.Contains(string(encoded), reconcilertest.Token) {
			c.failf("CustomRun %s tells the token (%v)", name, err)
		}
	}
	for _, task := range c.world.TaskRuns(custody) {
		if custom := c.customRun(runOf(task)); c.copies && custom != nil && custom.DeletionTimestamp != nil && !over(task) && !task.IsCancelled() {
			c.failf("CustomRun %s is being deleted, and TaskRun %s goes on in custody", custom.Name, task.Name)
		}
	}
	for _, secret := range c.world.Secrets(ns) {
		if secret.Name == reconcilertest.Secret {
			continue
		}
		// Of a run that has ended the cache does not know the team; a new leader asks the namespace.
		if of := secret.OwnerReferences[0].Name; !c.relabelled || !c.history[of].late {
			c.failf("Secret %s is left behind", secret.Name)
		}
	}
	if foreign := c.customRun("foreign"); foreign != nil && (len(foreign.Status.Conditions) > 0 || foreign.Status.StartTime != nil) {
		c.failf("another's CustomRun was answered: %+v", foreign.Status)
	}
	if events := strings.Join(c.world.Events(), "\n"); strings.Contains(events, reconcilertest.Token) {
		c.failf("an event tells the token")
	}
}

// hidden says that nobody can find the TaskRun of a run that has ended: who takes label or owner off one that was evicted, and comes
// back, or that another leader made when the run was ending, and did not record, hides it.
func (c *chaos) hidden(custom *v1beta1.CustomRun, task *pipelinev1.TaskRun) bool {
	s, err := stateOf(custom)
	unlabelled, unowned := task.Labels[v1alpha1.LabelManaged] == "", len(task.OwnerReferences) == 0 && !c.copies
	return unlabelled && (err != nil || s.TaskRun.UID != task.UID) || (unlabelled || unowned) && c.history[custom.Name].back
}

// failf fails the test by the first thing that goes wrong; the rest follows from it.
func (c *chaos) failf(format string, args ...any) {
	c.t.Helper()
	if !c.t.Failed() {
		c.logf("FAIL: "+format, args...)
		c.t.Errorf(format, args...)
	}
}
