package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/sync/syncwaves"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// root is the repository's top directory.
const root = "../.."

// last are kinds that Argo CD applies at the end of a wave, after Deployments, since its order does not name them
// (argoproj/argo-cd:gitops-engine/pkg/sync/sync_tasks.go, kindOrder).
var last = []string{"PriorityClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}

// A first sync starts the controller after its policies, and after the PriorityClass without which its Pods are refused. All else is
// in one wave, in Argo CD's own order.
func TestWaves(t *testing.T) {
	waves := map[string][]int{}
	for _, object := range files(t, root+"/config/*.yaml") {
		wave := syncwaves.Wave(object)
		if !slices.Contains(waves[object.GetKind()], wave) {
			waves[object.GetKind()] = append(waves[object.GetKind()], wave)
		}
	}
	for kind, got := range waves {
		want := []int{0}
		if kind == "Deployment" || kind == "PodDisruptionBudget" {
			want = []int{1}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s is in the waves %v, want %v", kind, got, want)
		}
	}
	for _, kind := range append([]string{"Deployment", "PodDisruptionBudget", "Namespace", "ConfigMap"}, last...) {
		if waves[kind] == nil {
			t.Errorf("config/ has no %s", kind)
		}
	}
}

// files reads the objects of the files that the pattern matches.
func files(t *testing.T, pattern string) (objects []*unstructured.Unstructured) {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	for _, file := range found {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(text), "\n---\n") {
			if object := parse(t, document); len(object.Object) > 0 {
				objects = append(objects, object)
			}
		}
	}
	return objects
}
