package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/diff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// drift returns the fields in which live is not what Argo CD, with its default settings, takes from desired; none: the object is
// Synced. Each is a path, with both values.
func drift(ctx context.Context, desired, live *unstructured.Unstructured) ([]string, error) {
	result, err := diff.Diff(ctx, desired, live, diff.WithNormalizer(statusless{}))
	if err != nil {
		return nil, fmt.Errorf("comparing %s %q: %w", desired.GetKind(), desired.GetName(), err)
	}
	if !result.Modified {
		return nil, nil
	}
	var is, wanted any
	if err := json.Unmarshal(result.NormalizedLive, &is); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(result.PredictedLive, &wanted); err != nil {
		return nil, err
	}
	fields := differences("", is, wanted)
	if len(fields) == 0 {
		return nil, fmt.Errorf("comparing %s %q: Argo CD calls it modified, and no field is", desired.GetKind(), desired.GetName())
	}
	return fields, nil
}

// statusless is what is left of Argo CD's normalizers where nobody configured one: by default it ignores the status of every object
// (argoproj/argo-cd:util/settings/settings.go, GetDefaultDiffOptions). Its known types are of other projects' kinds.
type statusless struct{}

// Normalize takes the status away.
func (statusless) Normalize(object *unstructured.Unstructured) error {
	delete(object.Object, "status")
	return nil
}

// differences lists the paths below which two JSON values differ.
func differences(path string, is, wanted any) []string {
	if reflect.DeepEqual(is, wanted) {
		return nil
	}
	left, ok := is.(map[string]any)
	right, both := wanted.(map[string]any)
	if !ok || !both {
		return []string{fmt.Sprintf("%s: the cluster has %v, Git %v", path, is, wanted)}
	}
	keys := maps.Clone(left)
	maps.Copy(keys, right)
	var found []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		found = append(found, differences(path+"."+key, left[key], right[key])...)
	}
	return found
}
