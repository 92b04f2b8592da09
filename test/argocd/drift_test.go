package main

import (
	"encoding/json"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: object}
}

// applied is what kubectl leaves of an object, with fields that the API server or a controller added.
func applied(t *testing.T, desired *unstructured.Unstructured, added map[string]any) *unstructured.Unstructured {
	t.Helper()
	text, err := json.Marshal(desired)
	if err != nil {
		t.Fatal(err)
	}
	live := desired.DeepCopy()
	live.SetAnnotations(map[string]string{"kubectl.kubernetes.io/last-applied-configuration": string(text)})
	for key, value := range added {
		live.Object[key] = value
	}
	return live
}

const configMap = `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: b}, data: {key: value}}`

func TestDrift(t *testing.T) {
	for name, c := range map[string]struct {
		added map[string]any
		want  []string
	}{
		"nothing":          {nil, nil},
		"a status":         {map[string]any{"status": map[string]any{"ready": true}}, nil},
		"an unknown field": {map[string]any{"immutable": false}, nil},
		"another value":    {map[string]any{"data": map[string]any{"key": "other"}}, []string{".data.key: the cluster has other, Git value"}},
		"a key more":       {map[string]any{"data": map[string]any{"key": "value", "more": "x"}}, nil},
		"no key":           {map[string]any{"data": map[string]any{}}, []string{".data: the cluster has <nil>, Git map[key:value]"}},
	} {
		t.Run(name, func(t *testing.T) {
			desired := parse(t, configMap)
			got, err := drift(t.Context(), desired, applied(t, desired, c.added))
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("drift is %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// A key that Git had, and has no more, is drift until it is gone.
func TestDriftOfWhatWasTakenOut(t *testing.T) {
	before := parse(t, configMap)
	live := applied(t, before, nil)
	desired := parse(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: b}, data: {}}`)
	got, err := drift(t.Context(), desired, live)
	if want := []string{".data: the cluster has map[key:value], Git <nil>"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("drift is %q, %v; want %q", got, err, want)
	}
}

// In a list, too, what Tekton filled in is no drift, though Kubernetes does not know the kind: Argo CD takes out of the cluster's object
// what was not applied. A change of what was applied is.
func TestDriftInAList(t *testing.T) {
	desired := parse(t, `{apiVersion: tekton.dev/v1, kind: Task, metadata: {name: a, namespace: b}, spec: {results: [{name: r, description: d}]}}`)
	for _, c := range []struct {
		result map[string]any
		want   []string
	}{
		{map[string]any{"name": "r", "description": "d", "type": "string"}, nil},
		{map[string]any{"name": "r", "description": "other", "type": "string"},
			[]string{".spec.results: the cluster has [map[description:other name:r type:string]], Git [map[description:d name:r]]"}},
	} {
		spec := map[string]any{"results": []any{c.result}, "displayName": ""}
		got, err := drift(t.Context(), desired, applied(t, desired, map[string]any{"spec": spec}))
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("drift is %q, %v; want %q", got, err, c.want)
		}
	}
}
