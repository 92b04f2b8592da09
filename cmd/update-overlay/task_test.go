package main

import (
	"context"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/gitops"
)

// The Task is one that Tekton takes, its args are flags of the program, its params are all used, and no value of a param can
// become a command.
func TestTask(t *testing.T) {
	data, err := os.ReadFile("../../tekton/task/update-overlay-digest/0.1/update-overlay-digest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var task v1.Task
	if err := yaml.UnmarshalStrict(data, &task); err != nil {
		t.Fatal(err)
	}
	task.SetDefaults(context.Background())
	if err := task.Validate(context.Background()); err != nil {
		t.Error(err)
	}
	step := task.Spec.Steps[0]
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	new(gitops.Options).Flags(flags)
	for _, arg := range step.Args {
		name, value, assigned := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if flags.Lookup(name) == nil || !assigned || value == "" {
			t.Errorf("arg %q gives no flag a value", arg)
		}
	}
	for _, p := range task.Spec.Params {
		used := slices.Contains(step.Args, "--"+p.Name+"=$(params."+p.Name+")")
		if !used && p.Name != "git-secret" {
			t.Errorf("param %q is not the flag of the same name", p.Name)
		}
	}
	var results []string
	for _, r := range task.Spec.Results {
		results = append(results, r.Name)
	}
	if diff := cmp.Diff([]string{"branch", "commit", "changed", "failure"}, results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if step.Args[0] != "--results-dir=/tekton/results" {
		t.Errorf("the first arg is %q: a wrong param before --results-dir leaves no result", step.Args[0])
	}
	checkScratch(t, task.Spec)
	security := step.SecurityContext
	if step.Script != "" || !*security.RunAsNonRoot || !*security.ReadOnlyRootFilesystem || *security.AllowPrivilegeEscalation {
		t.Errorf("the step is not restricted: %+v", step)
	}
}

// checkScratch reports a Task whose step has no room on disk for what it fetches, or takes it from its memory.
func checkScratch(t *testing.T, spec v1.TaskSpec) {
	t.Helper()
	mounted := slices.IndexFunc(spec.Steps[0].VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/tmp" && !m.ReadOnly })
	if mounted < 0 {
		t.Fatal("nothing is mounted at /tmp")
	}
	volume := slices.IndexFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == spec.Steps[0].VolumeMounts[mounted].Name })
	if volume < 0 || spec.Volumes[volume].EmptyDir == nil {
		t.Fatal("what is mounted at /tmp is no emptyDir")
	}
	scratch := spec.Volumes[volume].EmptyDir
	if scratch.Medium != corev1.StorageMediumDefault || scratch.SizeLimit == nil || scratch.SizeLimit.Value() <= gitops.ScratchSize {
		t.Errorf("the emptyDir at /tmp is %+v, want one on disk that takes more than %d bytes", scratch, gitops.ScratchSize)
	}
}
