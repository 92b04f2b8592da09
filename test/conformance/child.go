package conformance

import (
	"errors"
	"slices"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// creating returns the scene after a first look in which the create gets err, before it takes effect or after.
func creating(t *T, err error, after bool) *scene {
	s := set(t)
	fault := func(a reconcilertest.Action) error {
		if a == "create taskruns" {
			return err
		}
		return nil
	}
	s.Faults.Before = fault
	if after {
		s.Faults.Before, s.Faults.After = nil, fault
	}
	if got := s.Reconcile(ns, run); !apierrs.IsForbidden(err) && !apierrs.IsInvalid(err) && !errors.Is(got, err) {
		t.Errorf("reconciling = %v, want %v", got, err)
	}
	s.Faults = reconcilertest.Faults{}
	return s
}

var taskruns = schema.GroupResource{Group: "tekton.dev", Resource: "taskruns"}

// child is how the TaskRun comes and goes.
var child = []Check{
	{ID: "C60", Sentence: "The TaskRun has the CustomRun's name, and is made once: over restarts, conflicts, lost answers, two leaders with stale caches", InProcess: func(t *T) {
		s := set(t)
		late := s.Replica()
		s.look()
		first := s.task()
		if err := late.ReconcileStale(ns, run); !apierrs.IsConflict(err) {
			t.Errorf("a second leader with a stale cache: %v, want a conflict", err)
		}
		s.Restart()
		s.look()
		s.DeleteTaskRun(ns, run)
		if err := late.ReconcileStale(ns, run); !apierrs.IsConflict(err) || s.task() != nil {
			t.Errorf("after the TaskRun was deleted: %v, TaskRun %v", err, s.task())
		}
		if first.Name != s.run().Name {
			t.Errorf("TaskRun %q of CustomRun %q", first.Name, s.run().Name)
		}
	}},
	{ID: "C61", Sentence: "The TaskRun's only owner is the CustomRun, as controller", InProcess: func(t *T) {
		s := pushing(t)
		owners := s.task().OwnerReferences
		if len(owners) != 1 || !metav1.IsControlledBy(s.task(), s.run()) || owners[0].Kind != "CustomRun" || !*owners[0].BlockOwnerDeletion {
			t.Errorf("owners %+v", owners)
		}
	}},
	{ID: "C62", Sentence: "A TaskRun of that name which is not the CustomRun's is not adopted", InProcess: func(t *T) {
		s := set(t)
		foreign := &pipelinev1.TaskRun{ObjectMeta: metav1.ObjectMeta{Name: run, Namespace: ns}}
		s.Add(foreign)
		s.look()
		s.want(corev1.ConditionFalse, v1alpha1.ReasonTaskRunNameConflict)
		if s.task().IsCancelled() {
			t.Error("it was stopped")
		}
	}},
	{ID: "C64", Sentence: "The PipelineRun lists the CustomRun as its child, and not the TaskRun", OnCluster: func(t *T, c *Cluster) {
		pr := c.end(c.create("C91"))
		for _, child := range pr.Status.ChildReferences {
			if child.Kind != "CustomRun" {
				t.Errorf("child %s %s", child.Kind, child.Name)
			}
		}
		if c.custom(pr, "push").Name != c.task(pr, "push").Name {
			t.Error("the TaskRun has another name")
		}
	}},
	{ID: "C69", Sentence: "A full quota and an API server that fails are tried again; a missing right or an invalid TaskRun is False", InProcess: func(t *T) {
		for _, err := range []error{apierrs.NewForbidden(taskruns, run, errors.New("exceeded quota: pods")), apierrs.NewInternalError(errors.New("etcd is slow"))} {
			s := creating(t, err, false)
			s.want(corev1.ConditionUnknown, "")
			s.look()
			s.want(corev1.ConditionUnknown, "Running")
		}
		creating(t, apierrs.NewForbidden(taskruns, run, errors.New("no right")), false).want(corev1.ConditionFalse, v1alpha1.ReasonTaskRunRefused, "no right")
		creating(t, apierrs.NewInvalid(pipelinev1.Kind("TaskRun"), run, nil), false).want(corev1.ConditionFalse, v1alpha1.ReasonTaskRunRefused)
	}},
	{ID: "C70", Sentence: "A create whose answer is lost is tried again, and makes no second TaskRun", InProcess: func(t *T) {
		s := creating(t, apierrs.NewInternalError(errors.New("failed calling webhook: timeout")), true)
		first := s.task().UID
		s.look()
		if s.want(corev1.ConditionUnknown, "Running"); s.task().UID != first {
			t.Error("a second TaskRun was made")
		}
	}},
	{ID: "C71", Sentence: "An eviction is confirmed by a live read: Tekton can bring the TaskRun back", InProcess: func(t *T) {
		s := pushing(t)
		s.Update(reconcilertest.Finish(s.task(), corev1.ConditionFalse, "PodEvicted", ""))
		s.Refresh()
		back := s.task()
		back.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionUnknown, Reason: "Running"})
		s.Update(back)
		if err := s.ReconcileStale(ns, run); err != nil {
			t.Fatal(err)
		}
		s.want(corev1.ConditionUnknown, "Running")
		s.finish(corev1.ConditionFalse, "PodEvicted", "")
		s.want(corev1.ConditionFalse, "PodEvicted")
	}},
	{ID: "C72", Sentence: "A TaskRun that somebody deletes is False, and not pushed again", InProcess: func(t *T) {
		s := pushing(t)
		s.DeleteTaskRun(ns, run)
		s.look()
		s.want(corev1.ConditionFalse, v1alpha1.ReasonTaskRunDeleted)
		if s.look(); s.task() != nil {
			t.Error("a second TaskRun was made")
		}
	}},
	{ID: "C73", Sentence: "With the CustomRun its TaskRun and Pod are deleted", OnCluster: func(t *T, c *Cluster) {
		pr := c.create("C35")
		c.running(pr, "push")
		pod := c.pod(pr, "push")
		task := c.task(pr, "push")
		c.deleteCustom(pr, "push")
		// Tekton makes a CustomRun of the same name for the PipelineRun that goes on.
		c.gone("TaskRun", task.UID, func() (metav1.Object, error) {
			return c.Tekton.TektonV1().TaskRuns(pr.Namespace).Get(c.ctx, task.Name, metav1.GetOptions{})
		})
		c.gone("Pod", pod.UID, func() (metav1.Object, error) {
			return c.Kube.CoreV1().Pods(pr.Namespace).Get(c.ctx, pod.Name, metav1.GetOptions{})
		})
	}},
	{ID: "C74", Sentence: "A push costs at most 3 writes and 3 reads, or 6 and 4 in custody, and 6 looks; updates that change nothing cost none", InProcess: func(t *T) {
		s := set(t)
		looks := 0
		work := func() {
			s.Refresh()
			for _, key := range s.Queued() {
				looks++
				if err := s.ReconcileStale(key.Namespace, key.Name); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.Actions()
		work()
		work()
		for range 10 {
			task := s.task()
			task.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionUnknown, Reason: "Running"})
			s.Update(task)
			work()
		}
		s.Update(reconcilertest.Finish(s.task(), corev1.ConditionTrue, "Succeeded", ""))
		work()
		work()
		s.want(corev1.ConditionTrue, "Succeeded")
		all := s.Actions()
		writes := slices.DeleteFunc(slices.Clone(all), reads)
		t.Logf("%d looks, %v", looks, all)
		// A copy is made, deleted before the end, and looked for once more after it; a ServiceAccount is looked for beside its Secret.
		most := map[Mode]struct{ writes, reads int }{Default: {3, 3}, Custody: {6, 4}}[t.Mode]
		if got := len(all) - len(writes); looks > 6 || got > most.reads || len(writes) > most.writes {
			t.Errorf("%d looks, %d reads, %d writes: %v", looks, got, len(writes), all)
		}
	}},
	{ID: "C75", Sentence: "extraFields name team, rule, Secret and TaskRun", InProcess: func(t *T) {
		s := pushing(t)
		if f := s.fields(); f.Team != "payments" || f.Rule != "namespace-label" || f.Evidence == "" || f.Secret != reconcilertest.Secret ||
			f.TaskRun.Name != run || f.TaskRun.UID != string(s.task().UID) {
			t.Errorf("extraFields %+v", f)
		}
		before := s.fields()
		if s.finish(corev1.ConditionTrue, "Succeeded", ""); s.fields() != before {
			t.Errorf("extraFields %+v, then %+v", before, s.fields())
		}
	}},
}
