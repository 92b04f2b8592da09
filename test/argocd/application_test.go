package main

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// An object is where Argo CD would put it, and says whose it is.
func TestNewApplication(t *testing.T) {
	const manifests = `{apiVersion: v1, kind: Namespace, metadata: {name: a, namespace: stray}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, annotations: {kept: "true"}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: own}}
---
{apiVersion: example.com/v1, kind: Unknown, metadata: {name: d}}
`
	known := scopes{schema.GroupKind{Kind: "Namespace"}: false, schema.GroupKind{Kind: "ConfigMap"}: true}
	a, err := newApplication("app", "home", []byte(manifests), known)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ name, id string }{
		{"Namespace /a", "app:/Namespace:home/a"},
		{"ConfigMap home/b", "app:/ConfigMap:home/b"},
		{"ConfigMap own/c", "app:/ConfigMap:own/c"},
		{"Unknown home/d", "app:example.com/Unknown:home/d"},
	} {
		object := a.Objects[i]
		if got := name(object); got != want.name {
			t.Errorf("object %d is %s, want %s", i, got, want.name)
		}
		if got := object.GetAnnotations()["argocd.argoproj.io/tracking-id"]; got != want.id {
			t.Errorf("%s is tracked as %q, want %q", want.name, got, want.id)
		}
	}
	if a.Objects[1].GetAnnotations()["kept"] != "true" {
		t.Error("an annotation is lost")
	}
	for _, none := range []string{"", "# nothing\n", "{"} {
		if _, err := newApplication("app", "home", []byte(none), known); err == nil || !strings.Contains(err.Error(), `"app"`) {
			t.Errorf("the manifests %q: %v", none, err)
		}
	}
}

// Of an object that is repeated the last is taken, in the place of the first.
func TestRepeatedObjects(t *testing.T) {
	const manifests = `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {key: first}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: home}, data: {key: last}}
`
	a, err := newApplication("app", "home", []byte(manifests), scopes{schema.GroupKind{Kind: "ConfigMap"}: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Objects) != 2 || a.Objects[0].Object["data"].(map[string]any)["key"] != "last" || a.Objects[1].GetName() != "b" {
		t.Errorf("objects are %v", a.Objects)
	}
}

// A command that does not exist touches no cluster.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"sync"}, {"prune", "a", "b"}, {"drift", "a", "b", "c"}} {
		if found, err := run(t.Context(), strings.NewReader(""), args); err == nil || !strings.HasPrefix(err.Error(), "usage: ") {
			t.Errorf("%q: %q, %v", args, found, err)
		}
	}
}
