package conformance

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/pushimage"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// The names of the scene, short.
const (
	ns  = reconcilertest.Namespace
	run = reconcilertest.Run
)

// scene is a World in which one PipelineRun of team payments pushes.
type scene struct {
	*reconcilertest.World
	t *T
}

// on makes an edit of one kind of object of the scene.
func on[T runtime.Object](edit func(T)) func(runtime.Object) {
	return func(o runtime.Object) {
		if object, ok := o.(T); ok {
			edit(object)
		}
	}
}

// locked is the namespace that has the robots in custody.
const locked = "quay-push-custody"

// set returns the scene after the edits, in which nothing has happened yet.
func set(t *T, edits ...func(runtime.Object)) *scene {
	t.Helper()
	objects, settings := reconcilertest.Payments(v1alpha1.KindPushImage), map[string]string{}
	if t.Mode == Custody {
		settings["custody-namespace"] = locked
		edits = append([]func(runtime.Object){on(func(s *corev1.Secret) { s.Namespace = locked })}, edits...)
	}
	for _, o := range objects {
		for _, edit := range edits {
			edit(o)
		}
	}
	return open(t, pushimage.NewController, settings, objects...)
}

// open returns the scene with the objects and settings, and the controller.
func open(t *T, constructor reconcilertest.Constructor, settings map[string]string, objects ...runtime.Object) *scene {
	t.Helper()
	all := map[string]string{"registry": reconcilertest.Host}
	maps.Copy(all, settings)
	s := &scene{reconcilertest.New(t, constructor, all, objects...), t}
	s.install(all)
	return s
}

// pushing returns the scene in which the TaskRun was made and recorded.
func pushing(t *T, edits ...func(runtime.Object)) *scene {
	t.Helper()
	s := set(t, edits...)
	if e := s.explain(); !e.Allowed {
		t.Errorf("explain says that it may not push: %s: %s", e.Reason, e.Message)
	}
	s.look()
	if s.task() == nil {
		t.Fatalf("no TaskRun was made: %+v", s.run().Status)
	}
	s.Actions()
	return s
}

// pushed returns the scene in which the run has succeeded.
func pushed(t *T, edits ...func(runtime.Object)) *scene {
	t.Helper()
	s := pushing(t, edits...)
	s.finish(corev1.ConditionTrue, "Succeeded", "")
	s.want(corev1.ConditionTrue, "Succeeded")
	return s
}

func (s *scene) run() *v1beta1.CustomRun   { return s.CustomRun(ns, run) }
func (s *scene) task() *pipelinev1.TaskRun { return s.TaskRun(ns, run) }

// look reconciles the CustomRun with fresh caches; it returns when to look again, 0: on the next event.
func (s *scene) look() time.Duration {
	s.t.Helper()
	err := s.Reconcile(ns, run)
	again, wait := controller.IsRequeueKey(err)
	if err != nil && !again {
		s.t.Fatalf("reconciling: %v", err)
	}
	return wait
}

// finish ends the TaskRun, and looks.
func (s *scene) finish(status corev1.ConditionStatus, reason, message string) {
	s.t.Helper()
	s.Update(reconcilertest.Finish(s.task(), status, reason, message))
	s.look()
}

// cancel does what Tekton does.
func (s *scene) cancel(why v1beta1.CustomRunSpecStatusMessage) {
	r := s.run()
	r.Spec.Status, r.Spec.StatusMessage = v1beta1.CustomRunSpecStatusCancelled, why
	r.Generation++
	s.Update(r)
}

// pass lets time pass.
func (s *scene) pass(d time.Duration) { s.Clock.SetTime(s.Clock.Now().Add(d)) }

func (s *scene) condition() apis.Condition {
	status := s.run().Status
	if c := status.GetCondition(apis.ConditionSucceeded); c != nil {
		return *c
	}
	return apis.Condition{Status: corev1.ConditionUnknown}
}

// want checks the condition Succeeded, and that a run which has ended has no copy of the Secret.
func (s *scene) want(status corev1.ConditionStatus, reason string, says ...string) {
	s.t.Helper()
	c := s.condition()
	if c.Status != status || c.Reason != reason {
		s.t.Errorf("Succeeded=%s, %s: %s; want %s, %s", c.Status, c.Reason, c.Message, status, reason)
	}
	if status != corev1.ConditionUnknown && s.t.Mode == Custody && len(s.Secrets(ns)) > 0 {
		s.t.Errorf("it ended and left %d Secrets", len(s.Secrets(ns)))
	}
	for _, part := range says {
		if !strings.Contains(c.Message, part) {
			s.t.Errorf("message %q does not say %q", c.Message, part)
		}
	}
}

// refused checks that the run is refused at once and for good, without a TaskRun, and that explain knows it before and says the same.
func refused(t *T, reason string, edits ...func(runtime.Object)) *scene {
	t.Helper()
	s := set(t, edits...)
	told := s.explain()
	s.look()
	s.want(corev1.ConditionFalse, reason)
	s.wantExplained(told)
	if s.task() != nil {
		t.Error("a TaskRun was made")
	}
	s.requests()
	s.look()
	if got := s.requests(); len(got) > 0 {
		t.Errorf("a refused run is looked at again: %v", got)
	}
	return s
}

// give adds a param.
func give(name, value string) func(runtime.Object) {
	return on(func(r *v1beta1.CustomRun) {
		r.Spec.Params = append(r.Spec.Params, v1beta1.Param{Name: name, Value: *v1beta1.NewStructuredValues(value)})
	})
}

// fields are what is in status.extraFields.
func (s *scene) fields() (f struct {
	Team, Rule, Evidence, Secret string
	TaskRun                      struct{ Name, UID string }
}) {
	s.t.Helper()
	if err := json.Unmarshal(s.run().Status.ExtraFields.Raw, &f); err != nil {
		s.t.Error(err)
	}
	return f
}

// param is a param of the TaskRun.
func (s *scene) param(name string) string {
	for _, p := range s.task().Spec.Params {
		if p.Name == name {
			return p.Value.StringVal
		}
	}
	return ""
}

// requests lists those since the last call, but for the ones that make and delete the run's copy of the Secret: C74 counts them.
func (s *scene) requests() []reconcilertest.Action {
	return slices.DeleteFunc(s.Actions(), func(a reconcilertest.Action) bool {
		return s.t.Mode == Custody && (a == "create secrets" || a == "delete secrets")
	})
}

// writes are those of requests that change something.
func (s *scene) writes() []reconcilertest.Action { return slices.DeleteFunc(s.requests(), reads) }

func reads(a reconcilertest.Action) bool { return strings.HasPrefix(string(a), "get ") }

// secret is the name of the Secret that the TaskRun must mount.
func (s *scene) secret() string {
	if s.t.Mode == Custody {
		return reconcilertest.Secret + "." + string(s.run().UID)
	}
	return reconcilertest.Secret
}
