package cli

import (
	"context"
	"fmt"
	"strings"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comptech-lab/quay-push/pkg/externalsecret"
)

// fieldManager is who wrote a field of what the tool applies.
const fieldManager = "tkn-quay"

// apply applies objects, each whole, on the server's side, and returns their names. Fields of other managers stay; one that
// another manager sets differently is an error.
func (c Clients) apply(ctx context.Context, objects []map[string]any) ([]string, error) {
	applied := []string{}
	for _, o := range objects {
		object := &unstructured.Unstructured{Object: o}
		name := objectName(object)
		_, err := c.Dynamic.Resource(resourceOf(object)).Namespace(object.GetNamespace()).
			Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: fieldManager})
		if apierrs.IsConflict(err) {
			return applied, &failure{ExitConflict, fmt.Sprintf("applying %s: %v", name, err), "let its owner, such as Argo CD, apply the manifest"}
		} else if err != nil {
			return applied, fmt.Errorf("applying %s: %w", name, err)
		}
		applied = append(applied, name)
	}
	return applied, nil
}

// resourceOf is the resource of an object; those that are rendered all have regular plurals.
func resourceOf(object *unstructured.Unstructured) schema.GroupVersionResource {
	kind := object.GroupVersionKind()
	return kind.GroupVersion().WithResource(strings.ToLower(kind.Kind) + "s")
}

// customResourceDefinitions are the resource of that name.
var customResourceDefinitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// hasNullBytePolicy reports whether the installed ExternalSecrets have the field nullBytePolicy, which came in v2.3. Where it is
// missing it must not be rendered, else GitOps tools see a difference; where it is, it has a default.
func (c *cluster) hasNullBytePolicy(ctx context.Context) (bool, error) {
	definition, err := c.Dynamic.Resource(customResourceDefinitions).Get(ctx, "externalsecrets.external-secrets.io", metav1.GetOptions{})
	if apierrs.IsNotFound(err) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("reading the definition of ExternalSecrets: %w", err)
	}
	versions, _, err := unstructured.NestedSlice(definition.Object, "spec", "versions")
	if err != nil {
		return false, fmt.Errorf("reading the definition of ExternalSecrets: %w", err)
	}
	for _, v := range versions {
		if version, ok := v.(map[string]any); ok && version["name"] == externalsecret.Resource.Version {
			_, found, err := unstructured.NestedMap(version, "schema", "openAPIV3Schema", "properties", "spec", "properties", "dataFrom", "items",
				"properties", "extract", "properties", "nullBytePolicy")
			return found, err
		}
	}
	return false, nil
}
