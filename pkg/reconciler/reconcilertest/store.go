package reconcilertest

import (
	"fmt"
	"strconv"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

var admission = admissionv1.SchemeGroupVersion

// Action is one request, such as "create taskruns" or "update customruns/status".
type Action string

// Faults answers instead of the API server. Before is asked when a request comes, and After when it has taken effect and the
// answer is on its way; an error is what the controller gets. Either may be nil.
type Faults struct {
	Before, After func(Action) error
}

// Actions returns the requests since the last call.
func (w *World) Actions() []Action {
	all := w.actions
	w.actions = nil
	return all
}

// Add creates objects as somebody else than the controller.
func (w *World) Add(objects ...runtime.Object) {
	w.t.Helper()
	for _, object := range objects {
		w.stamp(object)
		tracker := w.Kube.Tracker()
		switch object.(type) {
		case *v1beta1.CustomRun, *pipelinev1.TaskRun, *pipelinev1.PipelineRun:
			tracker = w.Tekton.Tracker()
		}
		if err := tracker.Add(object); err != nil {
			w.t.Fatal(err)
		}
	}
}

// Update changes a CustomRun or TaskRun as somebody else than the controller; generation counts the changes of a spec.
func (w *World) Update(object runtime.Object) {
	w.t.Helper()
	w.stamp(object)
	resource := v1beta1.SchemeGroupVersion.WithResource("customruns")
	if _, ok := object.(*pipelinev1.TaskRun); ok {
		resource = pipelinev1.SchemeGroupVersion.WithResource("taskruns")
	}
	if _, ok := object.(*pipelinev1.PipelineRun); ok {
		resource = pipelinev1.SchemeGroupVersion.WithResource("pipelineruns")
	}
	accessor, err := meta.Accessor(object)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.Tekton.Tracker().Update(resource, object, accessor.GetNamespace()); err != nil {
		w.t.Fatal(err)
	}
}

// DeleteTaskRun deletes as somebody else than the controller.
func (w *World) DeleteTaskRun(namespace, name string) {
	w.t.Helper()
	if err := w.Tekton.Tracker().Delete(pipelinev1.SchemeGroupVersion.WithResource("taskruns"), namespace, name); err != nil {
		w.t.Fatal(err)
	}
}

// stamp gives an object what the API server gives it.
func (w *World) stamp(object runtime.Object) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		w.t.Fatal(err)
	}
	w.version++
	accessor.SetResourceVersion(strconv.Itoa(w.version))
	if accessor.GetUID() == "" {
		accessor.SetUID(types.UID(fmt.Sprintf("uid-%d", w.version)))
	}
	if created := accessor.GetCreationTimestamp(); created.IsZero() {
		accessor.SetCreationTimestamp(metav1.Time{Time: w.Clock.Now()})
	}
}

// observe records every request and asks Faults.
func (w *World) observe() {
	w.Tekton.PrependReactor("*", "*", w.react(w.Tekton.Tracker()))
	w.Kube.PrependReactor("*", "*", w.react(w.Kube.Tracker()))
	w.Dynamic.PrependReactor("*", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		w.actions = append(w.actions, nameOf(a))
		return false, nil, nil
	})
}

func nameOf(a clienttesting.Action) Action {
	name := a.GetVerb() + " " + a.GetResource().Resource
	if sub := a.GetSubresource(); sub != "" {
		name += "/" + sub
	}
	return Action(name)
}

func (w *World) react(tracker clienttesting.ObjectTracker) clienttesting.ReactionFunc {
	store := clienttesting.ObjectReaction(tracker)
	return func(a clienttesting.Action) (bool, runtime.Object, error) {
		name := nameOf(a)
		w.actions = append(w.actions, name)
		if w.Faults.Before != nil {
			if err := w.Faults.Before(name); err != nil {
				return true, nil, err
			}
		}
		if err := w.admit(tracker, a); err != nil {
			return true, nil, err
		}
		handled, object, err := store(a)
		if err == nil && w.Faults.After != nil {
			if err := w.Faults.After(name); err != nil {
				return true, nil, err
			}
		}
		return handled, object, err
	}
}

// admit does what the API server does before it stores: it gives a new object its identity, and refuses an update of
// something older than what it has.
func (w *World) admit(tracker clienttesting.ObjectTracker, a clienttesting.Action) error {
	switch a := a.(type) {
	case clienttesting.UpdateActionImpl:
		accessor, err := meta.Accessor(a.Object)
		if err != nil {
			return err
		}
		stored, err := tracker.Get(a.Resource, a.Namespace, accessor.GetName())
		if err != nil {
			return err
		}
		current, err := meta.Accessor(stored)
		if err != nil {
			return err
		}
		if current.GetResourceVersion() != accessor.GetResourceVersion() {
			return apierrs.NewConflict(a.Resource.GroupResource(), accessor.GetName(), fmt.Errorf("version %s is not the newest", accessor.GetResourceVersion()))
		}
		w.stamp(a.Object)
	case clienttesting.CreateActionImpl:
		w.stamp(a.Object)
	}
	return nil
}

func (w *World) lister(tracker clienttesting.ObjectTracker, resource schema.GroupVersionResource, kind string) func() []runtime.Object {
	return func() []runtime.Object {
		w.t.Helper()
		list, err := tracker.List(resource, resource.GroupVersion().WithKind(kind), "")
		if err != nil {
			w.t.Fatal(err)
		}
		objects, err := meta.ExtractList(list)
		if err != nil {
			w.t.Fatal(err)
		}
		return objects
	}
}

// managed keeps what the informer's selector keeps.
func (w *World) managed(list func() []runtime.Object) func() []runtime.Object {
	return func() (kept []runtime.Object) {
		for _, object := range list() {
			if object.(*pipelinev1.TaskRun).Labels[v1alpha1.LabelManaged] == "true" {
				kept = append(kept, object)
			}
		}
		return kept
	}
}
