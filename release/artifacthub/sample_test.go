package artifacthub

import (
	"cmp"
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"

	v1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"
	"sigs.k8s.io/yaml"
)

// declared are what a Task or StepAction takes.
type declared struct {
	params     v1.ParamSpecs
	workspaces []v1.WorkspaceDeclaration
}

// A sample is taken by Tekton, refers to what it is a sample of, and gives it params that it has and all that it needs.
func TestSamples(t *testing.T) {
	ours := map[string]declared{}
	for _, o := range shipped(t) {
		switch o.Kind {
		case "Task":
			var task v1.Task
			decode(t, o.File, o.Content, &task)
			ours[o.Name] = declared{task.Spec.Params, task.Spec.Workspaces}
		case "StepAction":
			var action v1beta1.StepAction
			decode(t, o.File, o.Content, &action)
			ours[o.Name] = declared{params: action.Spec.Params}
		}
	}
	seen := 0
	err := fs.WalkDir(samples, "sample", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		seen++
		content, err := samples.ReadFile(path)
		if err != nil {
			return err
		}
		used := uses(t, path, content)
		if of := strings.TrimSuffix(entry.Name(), ".yaml"); !slices.ContainsFunc(used, func(u use) bool { return u.name == of }) {
			t.Errorf("%s is no sample of %s", path, of)
		}
		for _, u := range used {
			d, ok := ours[u.name]
			if !ok {
				t.Errorf("%s: there is no %q", path, u.name)
			}
			u.check(t, path, d)
		}
		return nil
	})
	if err != nil || seen != len(ours) {
		t.Errorf("%d samples of %d, %v", seen, len(ours), err)
	}
}

// use is one reference, by name, with what it is given.
type use struct {
	name       string
	params     v1.Params
	workspaces []string
}

func (u use) check(t *testing.T, path string, d declared) {
	t.Helper()
	for _, p := range u.params {
		if !slices.ContainsFunc(d.params, func(s v1.ParamSpec) bool { return s.Name == p.Name }) {
			t.Errorf("%s: %s has no param %q", path, u.name, p.Name)
		}
	}
	for _, s := range d.params {
		if s.Default == nil && !slices.ContainsFunc(u.params, func(p v1.Param) bool { return p.Name == s.Name }) {
			t.Errorf("%s: %s needs param %q", path, u.name, s.Name)
		}
	}
	for _, w := range d.workspaces {
		if !w.Optional && !slices.Contains(u.workspaces, w.Name) {
			t.Errorf("%s: %s needs workspace %q", path, u.name, w.Name)
		}
	}
}

// uses are the references of a sample, which Tekton's webhook takes.
func uses(t *testing.T, path string, content []byte) (used []use) {
	t.Helper()
	taken := func(object interface {
		apis.Defaultable
		apis.Validatable
		metav1.Object
	}) {
		t.Helper()
		decode(t, path, content, object)
		object.SetName(cmp.Or(object.GetName(), object.GetGenerateName()+"x")) // As the API server, before it asks Tekton.
		object.SetDefaults(context.Background())
		if err := object.Validate(context.Background()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	var kind struct{ Kind string }
	if err := yaml.Unmarshal(content, &kind); err != nil {
		t.Fatal(err)
	}
	switch kind.Kind {
	case "TaskRun":
		var run v1.TaskRun
		taken(&run)
		u := use{name: run.Spec.TaskRef.Name, params: run.Spec.Params}
		for _, w := range run.Spec.Workspaces {
			u.workspaces = append(u.workspaces, w.Name)
		}
		return []use{u}
	case "PipelineRun":
		var run v1.PipelineRun
		taken(&run)
		for _, task := range run.Spec.PipelineSpec.Tasks {
			u := use{name: task.TaskRef.Name, params: task.Params}
			for _, w := range task.Workspaces {
				u.workspaces = append(u.workspaces, w.Name)
			}
			used = append(used, u)
		}
	case "Task":
		var task v1.Task
		taken(&task)
		for _, step := range task.Spec.Steps {
			if step.Ref != nil {
				used = append(used, use{name: step.Ref.Name, params: step.Params})
			}
		}
	default:
		t.Errorf("%s is a %s", path, kind.Kind)
	}
	return used
}

func decode(t *testing.T, file string, content []byte, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict(content, into); err != nil {
		t.Fatalf("reading %q: %v", file, err)
	}
}
