//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"
)

// edits are merge patches, by what they say, each of which makes an honest object another one.
type edits map[string]string

// verdicts are what the policies say to an honest object that its edits change.
type verdicts struct {
	// honest is the object as YAML.
	honest    string
	good, bad edits
	// barred are bad, and Tekton refuses them, too.
	barred edits
}

// create asks for the object with the edit, as a dry run.
func (v verdicts) create(t *testing.T, ctx context.Context, client dynamic.Interface, edit string) error {
	t.Helper()
	object := edited(t, v.honest, edit)
	_, err := client.Resource(kindOf(object)).Namespace(object.GetNamespace()).Create(ctx, object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return err
}

// deny checks that the good edits are let in, and the bad ones refused as Invalid by a policy of ours.
func (v verdicts) deny(t *testing.T, ctx context.Context, client dynamic.Interface) {
	t.Helper()
	for name, edit := range v.good {
		if err := v.create(t, ctx, client, edit); err != nil {
			t.Errorf("%s is honest: %v", name, err)
		}
	}
	bad := maps.Clone(v.bad)
	maps.Copy(bad, v.barred)
	for name, edit := range bad {
		if err := v.create(t, ctx, client, edit); !refusedByPolicy(err) {
			t.Errorf("%s: %v, want Invalid by a policy of ours", name, err)
		}
	}
}

// pass checks that nothing but the policies, which only audit now, refuses the bad edits.
func (v verdicts) pass(t *testing.T, ctx context.Context, client dynamic.Interface) {
	t.Helper()
	for name, edit := range v.bad {
		if err := v.create(t, ctx, client, edit); err != nil {
			t.Errorf("%s is refused by something else than the policies: %v", name, err)
		}
	}
}

// renamed is the same under other names: old, new, old, new and so on.
func (v verdicts) renamed(names ...string) verdicts {
	rename := strings.NewReplacer(names...)
	all := func(some edits) edits {
		other := edits{}
		for name, edit := range some {
			other[name] = rename.Replace(edit)
		}
		return other
	}
	return verdicts{rename.Replace(v.honest), all(v.good), all(v.bad), all(v.barred)}
}

func refusedByPolicy(err error) bool {
	return apierrs.IsInvalid(err) && strings.Contains(err.Error(), ".quay.comptech-lab.com")
}

func edited(t *testing.T, honest, edit string) *unstructured.Unstructured {
	t.Helper()
	object, patch := &unstructured.Unstructured{}, map[string]any{}
	if err := yaml.Unmarshal([]byte(honest), &object.Object); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(edit), &patch); err != nil {
		t.Fatalf("%s: %v", edit, err)
	}
	merge(object.Object, patch)
	return object
}

// merge applies a JSON merge patch.
func merge(into, patch map[string]any) {
	for key, value := range patch {
		inner, isObject := value.(map[string]any)
		switch {
		case value == nil:
			delete(into, key)
		case isObject:
			if _, ok := into[key].(map[string]any); !ok {
				into[key] = map[string]any{}
			}
			merge(into[key].(map[string]any), inner)
		default:
			into[key] = value
		}
	}
}

func kindOf(object *unstructured.Unstructured) schema.GroupVersionResource {
	kind := object.GroupVersionKind()
	return kind.GroupVersion().WithResource(strings.ToLower(kind.Kind) + "s")
}
