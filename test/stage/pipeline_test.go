package stage

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"sigs.k8s.io/yaml"
)

// Tekton takes the Pipelines, and each gives a Task of ours only params that it has, and every one that it needs.
func TestPipelines(t *testing.T) {
	tasks := map[string]v1.TaskSpec{}
	for _, file := range glob(t, "../../tekton/task/*/*/*.yaml", "build-image.yaml", "git-clone.yaml") {
		var task v1.Task
		read(t, file, &task)
		tasks[task.Name] = task.Spec
	}
	pipelines := glob(t, "../../tekton/pipeline/*.yaml")
	for _, file := range pipelines {
		var pipeline v1.Pipeline
		read(t, file, &pipeline)
		pipeline.SetDefaults(context.Background())
		if err := pipeline.Validate(context.Background()); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, step := range pipeline.Spec.Tasks {
			name := step.TaskRef.Name
			for _, p := range step.TaskRef.Params {
				if p.Name == "name" {
					name = p.Value.StringVal
				}
			}
			task, ours := tasks[name]
			if !ours && step.TaskRef.Kind != "PushImage" {
				t.Errorf("%s: there is no Task %q", file, name)
			}
			// A tenant's namespace has no Task of ours: the cluster resolver reads it where it is.
			if ours && name != "build-image" && step.TaskRef.Resolver != "cluster" {
				t.Errorf("%s: %s takes Task %q from the run's own namespace", file, step.Name, name)
			}
			given := map[string]bool{}
			for _, p := range step.Params {
				given[p.Name] = true
			}
			for _, p := range task.Params {
				if p.Default == nil && !given[p.Name] {
					t.Errorf("%s: %s does not get its param %q", file, step.Name, p.Name)
				}
				delete(given, p.Name)
			}
			if ours && len(given) > 0 {
				t.Errorf("%s: %s has no params %v", file, step.Name, given)
			}
		}
	}
	if len(pipelines) < 2 {
		t.Errorf("only %v were looked at", pipelines)
	}
}

func glob(t *testing.T, patterns ...string) (files []string) {
	t.Helper()
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		files = append(files, found...)
	}
	return files
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		t.Fatalf("reading %q: %v", file, err)
	}
}
