package reconcilertest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
	"knative.dev/pkg/apis"

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
		tracker, _ := w.home(object)
		if err := tracker.Add(object); err != nil {
			w.t.Fatal(err)
		}
	}
}

// Update changes an object as somebody else than the controller; who changes a spec counts the generation up.
func (w *World) Update(object runtime.Object) {
	w.t.Helper()
	w.stamp(object)
	tracker, resource := w.home(object)
	if err := tracker.Update(resource, object, metadata(object).GetNamespace()); err != nil {
		w.t.Fatal(err)
	}
}

// Delete deletes as somebody else than the controller.
func (w *World) Delete(object runtime.Object) {
	w.t.Helper()
	tracker, resource := w.home(object)
	if err := tracker.Delete(resource, metadata(object).GetNamespace(), metadata(object).GetName()); err != nil {
		w.t.Fatal(err)
	}
}

// DeleteTaskRun deletes a TaskRun as somebody else than the controller.
func (w *World) DeleteTaskRun(namespace, name string) {
	w.t.Helper()
	w.Delete(w.TaskRun(namespace, name))
}

// home is where an object of this kind is kept.
func (w *World) home(object runtime.Object) (clienttesting.ObjectTracker, schema.GroupVersionResource) {
	switch object.(type) {
	case *v1beta1.CustomRun:
		return w.tekton, v1beta1.SchemeGroupVersion.WithResource("customruns")
	case *pipelinev1.TaskRun:
		return w.tekton, pipelinev1.SchemeGroupVersion.WithResource("taskruns")
	case *pipelinev1.Task:
		return w.tekton, pipelinev1.SchemeGroupVersion.WithResource("tasks")
	case *pipelinev1.PipelineRun:
		return w.tekton, pipelinev1.SchemeGroupVersion.WithResource("pipelineruns")
	case *corev1.Secret:
		return w.kube, corev1.SchemeGroupVersion.WithResource("secrets")
	case *corev1.ServiceAccount:
		return w.kube, corev1.SchemeGroupVersion.WithResource("serviceaccounts")
	case *corev1.Namespace:
		return w.kube, corev1.SchemeGroupVersion.WithResource("namespaces")
	case *admissionv1.ValidatingAdmissionPolicy:
		return w.kube, admission.WithResource("validatingadmissionpolicies")
	case *admissionv1.ValidatingAdmissionPolicyBinding:
		return w.kube, admission.WithResource("validatingadmissionpolicybindings")
	}
	panic(fmt.Sprintf("no resource for %T", object))
}

func metadata(object any) metav1.Object {
	accessor, err := meta.Accessor(object)
	if err != nil {
		panic(err)
	}
	return accessor
}

// stamp gives an object what the API server gives it.
func (w *World) stamp(object runtime.Object) {
	accessor := metadata(object)
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
	w.Tekton.PrependReactor("*", "*", w.react(w.tekton))
	w.Kube.PrependReactor("*", "*", w.react(w.kube))
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
		if create, ok := a.(clienttesting.CreateActionImpl); ok && len(create.CreateOptions.DryRun) > 0 {
			return true, create.Object, nil
		}
		handled, object, err := store(a)
		if create, ok := a.(clienttesting.CreateActionImpl); ok && create.Subresource == "token" {
			object, err = w.token(tracker, create)
		}
		if _, patched := a.(clienttesting.PatchActionImpl); patched && err == nil {
			w.stamp(object)
			err = tracker.Update(a.GetResource(), object, a.GetNamespace())
		}
		if err == nil && w.Faults.After != nil {
			if err := w.Faults.After(name); err != nil {
				return true, nil, err
			}
		}
		return handled, object, err
	}
}

// token is what the API server answers who asks for a token of a ServiceAccount. It stores nothing.
func (w *World) token(tracker clienttesting.ObjectTracker, a clienttesting.CreateActionImpl) (runtime.Object, error) {
	if _, err := tracker.Get(a.Resource, a.Namespace, a.Name); err != nil {
		return nil, err
	}
	asked := a.Object.(*authenticationv1.TokenRequest)
	asked.Status.Token = w.Tokens("system:serviceaccount:"+a.Namespace+":"+a.Name, asked.Spec.Audiences, time.Duration(*asked.Spec.ExpirationSeconds)*time.Second)
	return asked, nil
}

// admit does what the API server does before it stores: it gives a new object its identity, and refuses an update of
// something older than what it has.
func (w *World) admit(tracker clienttesting.ObjectTracker, a clienttesting.Action) error {
	switch a := a.(type) {
	case clienttesting.UpdateActionImpl:
		accessor := metadata(a.Object)
		stored, err := tracker.Get(a.Resource, a.Namespace, accessor.GetName())
		if err != nil {
			return err
		}
		if metadata(stored).GetResourceVersion() != accessor.GetResourceVersion() {
			return apierrs.NewConflict(a.Resource.GroupResource(), accessor.GetName(), fmt.Errorf("version %s is not the newest", accessor.GetResourceVersion()))
		}
		if run, ok := a.Object.(*v1beta1.CustomRun); ok && a.Subresource == "status" {
			// Of what is written the API server takes the status alone.
			whole := stored.(*v1beta1.CustomRun).DeepCopy()
			whole.Status = run.Status
			*run = *whole
		}
		w.stamp(a.Object)
	case clienttesting.CreateActionImpl:
		if task, ok := a.Object.(*pipelinev1.TaskRun); ok && w.Tektons != nil {
			task.SetDefaults(apis.WithinCreate(w.Tektons))
		}
		if a.Subresource == "" {
			w.stamp(a.Object)
		}
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
		// The store lists in no order, and a seed has to give the same run again.
		slices.SortFunc(objects, func(a, b runtime.Object) int { return strings.Compare(keyOf(a), keyOf(b)) })
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
