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
	if diff := cmp.Diff([]string{"branch", "commit", "changed"}, results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	security := step.SecurityContext
	if step.Script != "" || !*security.RunAsNonRoot || !*security.ReadOnlyRootFilesystem || *security.AllowPrivilegeEscalation {
		t.Errorf("the step is not restricted: %+v", step)
	}
}
