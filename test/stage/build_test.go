package stage

import (
	"regexp"
	"slices"
	"testing"

	v1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
)

const buildTask = "../../tekton/task/build-image-buildah/0.1/build-image-buildah.yaml"

// A run that begins with a commit sets what its Pipeline has, and leaves out nothing that it needs.
func TestBuildRuns(t *testing.T) {
	builder := &Builder{Image: "registry.example.com/buildah"}
	for name, more := range map[string]map[string]string{
		"clone-build-and-push-image": {"image-ref": "quay.example.com/team-a/app"},
		"clone-build-and-push-quay":  {"image-ref": "quay.example.com/team-a/app", "dockerconfig-secret": "quay-robot-team-a"},
	} {
		var pipeline v1.Pipeline
		read(t, "../../tekton/pipeline/"+name+".yaml", &pipeline)
		if pipeline.Name != name {
			t.Errorf("%s is called %s", name, pipeline.Name)
		}
		run := builder.NewRun(Payments, name, Commit{"https://git.example.com/app.git", "3f4781f2", "1764000000"}, more)
		given := map[string]v1.ParamValue{}
		for _, p := range run.Spec.Params {
			given[p.Name] = p.Value
		}
		for _, p := range pipeline.Spec.Params {
			value, ok := given[p.Name]
			if !ok && p.Default == nil {
				t.Errorf("%s: param %s is not given", name, p.Name)
			}
			if ok && value.Type != p.Type {
				t.Errorf("%s: param %s is of type %s, not %s", name, p.Name, value.Type, p.Type)
			}
			delete(given, p.Name)
		}
		if len(given) > 0 {
			t.Errorf("%s has no params %v", name, given)
		}
		for _, w := range run.Spec.Workspaces {
			if !slices.ContainsFunc(pipeline.Spec.Workspaces, func(has v1.PipelineWorkspaceDeclaration) bool { return has.Name == w.Name }) {
				t.Errorf("%s has no workspace %s", name, w.Name)
			}
		}
	}
}

// The image of the build is pinned, and one: the Pipelines have the Task's.
func TestBuilderImage(t *testing.T) {
	var task v1.Task
	read(t, buildTask, &task)
	want := builderImage(t, task.Spec.Params)
	if !regexp.MustCompile(`^[a-z.]+/[a-z0-9/]+@sha256:[0-9a-f]{64}$`).MatchString(want) {
		t.Errorf("the Task builds with %q", want)
	}
	for _, file := range glob(t, "../../tekton/pipeline/clone-*.yaml") {
		var pipeline v1.Pipeline
		read(t, file, &pipeline)
		if got := builderImage(t, pipeline.Spec.Params); got != want {
			t.Errorf("%s builds with %s, the Task with %s", file, got, want)
		}
	}
}

func builderImage(t *testing.T, params v1.ParamSpecs) string {
	t.Helper()
	i := slices.IndexFunc(params, func(p v1.ParamSpec) bool { return p.Name == "builder-image" })
	if i < 0 || params[i].Default == nil {
		t.Fatalf("no param builder-image with a default in %v", params)
	}
	return params[i].Default.StringVal
}

// What the Task's README says that it is allowed: SETFCAP and no more, and no volume from which a build could push.
func TestBuildIsNotPrivileged(t *testing.T) {
	var task v1.Task
	read(t, buildTask, &task)
	has := task.Spec.StepTemplate.SecurityContext
	if has.Privileged != nil || *has.AllowPrivilegeEscalation || !slices.Equal(has.Capabilities.Add, []corev1.Capability{"SETFCAP"}) {
		t.Errorf("every step has %+v", has)
	}
	for _, step := range task.Spec.Steps {
		if step.SecurityContext != nil || step.Script != "" {
			t.Errorf("step %s has %+v and the script %q", step.Name, step.SecurityContext, step.Script)
		}
	}
	for _, v := range task.Spec.Volumes {
		if v.EmptyDir == nil && v.ConfigMap == nil {
			t.Errorf("volume %s is %+v", v.Name, v.VolumeSource)
		}
	}
}
