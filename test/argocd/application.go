package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/diff"
	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/health"
	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/utils/kube"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Application is what Argo CD calls one: objects of a directory in Git, that are to be on a cluster.
type Application struct {
	// Name is the Application's, Namespace its destination's, for objects that name none.
	Name, Namespace string
	Objects         []*unstructured.Unstructured
}

// New returns an Application with the objects of manifests, each with its annotation, as Argo CD tracks them by default.
func (c *Cluster) New(name, namespace string, manifests []byte) (*Application, error) {
	scopes, err := c.scopes()
	if err != nil {
		return nil, err
	}
	return newApplication(name, namespace, manifests, scopes)
}

func newApplication(name, namespace string, manifests []byte, scopes kube.ResourceInfoProvider) (*Application, error) {
	objects, err := kube.SplitYAML(manifests)
	if err != nil {
		return nil, fmt.Errorf("reading the manifests of %q: %w", name, err)
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("the manifests of %q have no object", name)
	}
	for _, object := range objects {
		// As argoproj/argo-cd:controller/state.go, DeduplicateTargetObjects: a kind that is not known is taken to be in a namespace.
		if kube.IsNamespacedOrUnknown(scopes, object.GroupVersionKind().GroupKind()) {
			object.SetNamespace(cmp.Or(object.GetNamespace(), namespace))
		} else {
			object.SetNamespace("")
		}
		// As argoproj/argo-cd:util/argo/resource_tracking.go, buildAppInstanceValue.
		kind := object.GroupVersionKind()
		id := fmt.Sprintf("%s:%s/%s:%s/%s", name, kind.Group, kind.Kind, cmp.Or(object.GetNamespace(), namespace), object.GetName())
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations["argocd.argoproj.io/tracking-id"] = id
		object.SetAnnotations(annotations)
	}
	return &Application{Name: name, Namespace: namespace, Objects: lastOfEach(objects)}, nil
}

// lastOfEach leaves of objects that are repeated the last, as Argo CD does with a warning (argoproj/argo-cd:controller/state.go).
func lastOfEach(objects []*unstructured.Unstructured) (kept []*unstructured.Unstructured) {
	at := map[kube.ResourceKey]int{}
	for _, object := range objects {
		key := kube.GetResourceKey(object)
		if i, repeated := at[key]; repeated {
			kept[i] = object
			continue
		}
		at[key] = len(kept)
		kept = append(kept, object)
	}
	return kept
}

// missing is said of an object that the cluster has not.
const missing = " is missing"

// each returns what look says of every object, and which of them the cluster has not.
func (c *Cluster) each(ctx context.Context, a *Application, look func(desired, live *unstructured.Unstructured) ([]string, error)) (found []string, err error) {
	for _, desired := range a.Objects {
		live, err := c.get(ctx, desired)
		if err != nil {
			return nil, err
		}
		if live == nil {
			found = append(found, name(desired)+missing)
			continue
		}
		said, err := look(desired, live)
		if err != nil {
			return nil, err
		}
		found = append(found, said...)
	}
	return found, nil
}

// Drift returns in which fields the cluster is not what the Application says, and which objects it has not; none: Argo CD shows the
// Application as Synced. The values of Secrets are hidden.
func (c *Cluster) Drift(ctx context.Context, a *Application) ([]string, error) {
	return c.each(ctx, a, func(desired, live *unstructured.Unstructured) (found []string, err error) {
		if desired.GroupVersionKind().GroupKind() == (schema.GroupKind{Kind: "Secret"}) {
			if desired, live, err = diff.HideSecretData(desired, live, nil); err != nil {
				return nil, fmt.Errorf("hiding what is in %s: %w", name(desired), err)
			}
		}
		fields, err := drift(ctx, desired, live)
		for _, field := range fields {
			found = append(found, name(desired)+" is OutOfSync: "+field)
		}
		return found, err
	})
}

// Unhealthy returns what Argo CD says of the objects that are not healthy. It tells the health of the kinds that it knows of itself.
func (c *Cluster) Unhealthy(ctx context.Context, a *Application) ([]string, error) {
	return c.each(ctx, a, func(desired, live *unstructured.Unstructured) ([]string, error) {
		status, err := health.GetResourceHealth(live, nil)
		switch {
		case err != nil:
			return nil, fmt.Errorf("judging the health of %s: %w", name(desired), err)
		case status == nil || status.Status == health.HealthStatusHealthy:
			return nil, nil
		}
		return []string{fmt.Sprintf("%s is %s: %s", name(desired), status.Status, status.Message)}, nil
	})
}

// WaitHealthy returns when every object is healthy, or what is not when ctx ends.
func (c *Cluster) WaitHealthy(ctx context.Context, a *Application) ([]string, error) {
	for {
		found, err := c.Unhealthy(context.WithoutCancel(ctx), a)
		if err != nil || len(found) == 0 {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return found, nil
		case <-time.After(step):
		}
	}
}

// get reads an object from the cluster; nil without an error: it is not there.
func (c *Cluster) get(ctx context.Context, desired *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	live, err := c.kubectl.GetResource(ctx, c.config, desired.GroupVersionKind(), desired.GetName(), desired.GetNamespace())
	switch {
	case apierrs.IsNotFound(err): // Or the cluster knows no such kind.
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", name(desired), err)
	}
	return live, nil
}

func name(object *unstructured.Unstructured) string {
	return fmt.Sprintf("%s %s/%s", object.GetKind(), object.GetNamespace(), object.GetName())
}
