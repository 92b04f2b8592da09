package cli_test

import (
	"slices"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	fakediscovery "k8s.io/client-go/discovery/fake"
	clienttesting "k8s.io/client-go/testing"
)

// install puts in place what doctor looks at, as it should be, but for the guards.
func (w *world) install() {
	for _, object := range []runtime.Object{
		&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "quay-push", Name: "controller"}, Status: appsv1.DeploymentStatus{ReadyReplicas: 2}},
		&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "external-secrets", Name: "external-secrets", Labels: map[string]string{
			"app.kubernetes.io/name": "external-secrets", "app.kubernetes.io/version": "v2.9.0"}}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "tekton-pipelines", Name: "pipelines-info"}, Data: map[string]string{"version": "v1.15.0"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: shared, Name: "pipelines-vault-apps"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: shared, Name: "pipeline"}, AutomountServiceAccountToken: new(false)},
		&corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: shared, Name: "runs"}},
		&admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "external-secret.quay.comptech-lab.com"}},
	} {
		if err := w.kube.Tracker().Add(object); err != nil {
			w.Fatal(err)
		}
	}
	if err := w.tekton.Tracker().Add(&pipelinev1.Task{ObjectMeta: metav1.ObjectMeta{Namespace: shared, Name: "push-image-quay"}, Spec: pipelinev1.TaskSpec{Params: pipelinev1.ParamSpecs{{Name: "gate"}}}}); err != nil {
		w.Fatal(err)
	}
	definition := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "externalsecrets.external-secrets.io"}}}
	extract := []string{"schema", "openAPIV3Schema", "properties", "spec", "properties", "dataFrom", "items", "properties", "extract", "properties", "nullBytePolicy"}
	version := map[string]any{"name": "v1"}
	if err := unstructured.SetNestedMap(version, map[string]any{"type": "string"}, extract...); err != nil {
		w.Fatal(err)
	}
	if err := unstructured.SetNestedSlice(definition.Object, []any{version}, "spec", "versions"); err != nil {
		w.Fatal(err)
	}
	if err := w.dynamic.Tracker().Add(definition); err != nil {
		w.Fatal(err)
	}
	w.kube.Discovery().(*fakediscovery.FakeDiscovery).Resources = []*metav1.APIResourceList{{
		GroupVersion: "external-secrets.io/v1", APIResources: []metav1.APIResource{{Name: "externalsecrets"}}}}
	w.kube.PrependReactor("create", "*", w.answer)
}

// answer is the API server's to what is no object: who may do what, what time it is, a token.
func (w *world) answer(action clienttesting.Action) (bool, runtime.Object, error) {
	switch object := action.(clienttesting.CreateAction).GetObject().(type) {
	case *authorizationv1.SubjectAccessReview:
		allowed := []string{"get secrets", "create taskruns"}
		what := object.Spec.ResourceAttributes
		object.Status.Allowed = object.Spec.User == "system:serviceaccount:quay-push:controller" && slices.Contains(allowed, what.Verb+" "+what.Resource)
		return true, object, nil
	case *corev1.ConfigMap:
		object.CreationTimestamp = metav1.NewTime(time.Now().Truncate(time.Second))
		return true, object, nil
	case *authenticationv1.TokenRequest:
		w.audiences = object.Spec.Audiences
		object.Status.Token = "eyJ.of.pipelines-vault-apps"
		return true, object, nil
	}
	return false, nil, nil
}
