package main

import (
	"context"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/push"
)

const tekton = "../../tekton/"

// gateParams are those of the gate, which both Tasks and the StepAction have.
var gateParams = []string{"gate", "gate-fixable-only", "gate-unsupported", "gate-timeout"}

// The gate's params have the same defaults everywhere, and they are the program's own: no gate.
func TestGateParams(t *testing.T) {
	var action v1beta1.StepAction
	parse(t, readFile(t, tekton+"stepaction/push-image/0.1/push-image.yaml"), &action)
	all := []v1.ParamSpecs{action.Spec.Params}
	for _, name := range []string{"push-image-quay", "copy-image-quay"} {
		var task v1.Task
		parse(t, readFile(t, tekton+"task/"+name+"/0.1/"+name+".yaml"), &task)
		all = append(all, task.Spec.Params)
	}
	for _, params := range all {
		var opts push.Options
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		opts.Flags(flags)
		for _, p := range params {
			own := flags.Lookup(p.Name)
			if !slices.Contains(gateParams, p.Name) {
				continue
			}
			standard := own.Value.String()
			if err := own.Value.Set(p.Default.StringVal); err != nil || own.Value.String() != standard {
				t.Errorf("the default of %s is %q, that of the program %q (%v)", p.Name, p.Default.StringVal, standard, err)
			}
		}
		if opts.Gate != "" || opts.GateTimeout != 45*time.Minute || opts.GateUnsupported != "fail" {
			t.Errorf("the defaults are %+v", opts)
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(t *testing.T, data []byte, object interface {
	SetDefaults(context.Context)
}) {
	t.Helper()
	if err := yaml.UnmarshalStrict(data, object); err != nil {
		t.Fatal(err)
	}
	object.SetDefaults(t.Context())
}

// The StepAction is one that Tekton takes, its args are flags of the program, its params are all used, and it has the results
// of the Task.
func TestStepAction(t *testing.T) {
	var action v1beta1.StepAction
	parse(t, readFile(t, tekton+"stepaction/push-image/0.1/push-image.yaml"), &action)
	if err := action.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	spec := action.Spec
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	new(push.Options).Flags(flags)
	for _, arg := range spec.Args {
		name, value, assigned := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if flags.Lookup(name) == nil || !assigned || value == "" {
			t.Errorf("arg %q gives no flag a value", arg)
		}
	}
	for _, p := range spec.Params {
		if !slices.Contains(spec.Args, "--"+p.Name+"=$(params."+p.Name+")") && p.Name != "dockerconfig-volume" {
			t.Errorf("param %q is not the flag of the same name", p.Name)
		}
	}
	if diff := cmp.Diff(slices.Concat([]string{"dockerconfig-volume", "image-ref", "tag", "anchor", "source", "source-anonymous"}, gateParams, []string{"compression"}), namesOf(spec.Params)); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	if len(spec.VolumeMounts) != 1 || spec.VolumeMounts[0].Name != "$(params.dockerconfig-volume)" || !slices.Contains(spec.Args, "--dockerconfig="+spec.VolumeMounts[0].MountPath) {
		t.Errorf("the credential is mounted as %+v", spec.VolumeMounts)
	}
	security := spec.SecurityContext
	if spec.Script != "" || !*security.RunAsNonRoot || !*security.ReadOnlyRootFilesystem || *security.AllowPrivilegeEscalation {
		t.Errorf("the step is not restricted: %+v", spec)
	}
	var task v1.Task
	parse(t, readFile(t, tekton+"task/push-image-quay/0.1/push-image-quay.yaml"), &task)
	var own, ofTask []string
	for _, r := range spec.Results {
		own = append(own, r.Name)
	}
	for _, r := range task.Spec.Results {
		ofTask = append(ofTask, r.Name)
	}
	if diff := cmp.Diff(ofTask, own); diff != "" {
		t.Errorf("results (-Task +StepAction):\n%s", diff)
	}
}

// The Task that copies is one that Tekton takes, its args are flags of the program, and its params are the flags of the same names.
func TestCopyTask(t *testing.T) {
	var task v1.Task
	parse(t, readFile(t, tekton+"task/copy-image-quay/0.1/copy-image-quay.yaml"), &task)
	if err := task.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(append([]string{"dockerconfig-secret", "image-ref", "tag", "anchor", "source", "source-anonymous"}, gateParams...), namesOf(task.Spec.Params)); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	want := []string{"--source=$(params.source)", "--source-anonymous=$(params.source-anonymous)", "--source-dockerconfig=/quay-push/source",
		"--image-ref=$(params.image-ref)", "--tag=$(params.tag)", "--anchor=$(params.anchor)", "--gate=$(params.gate)", "--gate-fixable-only=$(params.gate-fixable-only)",
		"--gate-unsupported=$(params.gate-unsupported)", "--gate-timeout=$(params.gate-timeout)", "--dockerconfig=/quay-push/dockerconfig", "--results-dir=/tekton/results"}
	if diff := cmp.Diff(want, task.Spec.Steps[0].Args); diff != "" {
		t.Errorf("args (-want +got):\n%s", diff)
	}
	var opts push.Options
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	opts.Flags(flags)
	if err := flags.Parse(want); err == nil || !strings.Contains(err.Error(), "source-anonymous") {
		t.Errorf("parsing args that no param was put into: %v", err)
	}
	if err := flags.Parse([]string{"--source-anonymous=false"}); err != nil || opts.SourceAnonymous {
		t.Errorf("parsing the default = %v, %v", opts.SourceAnonymous, err)
	}
	if err := flags.Parse([]string{"--source-anonymous=true"}); err != nil || !opts.SourceAnonymous {
		t.Errorf("parsing true = %v, %v", opts.SourceAnonymous, err)
	}
}

// Each param of StepAction and Task has its row in the README, with its default.
func TestParamsAreDocumented(t *testing.T) {
	var action v1beta1.StepAction
	parse(t, readFile(t, tekton+"stepaction/push-image/0.1/push-image.yaml"), &action)
	var task v1.Task
	parse(t, readFile(t, tekton+"task/copy-image-quay/0.1/copy-image-quay.yaml"), &task)
	for page, params := range map[string]v1.ParamSpecs{"stepaction/push-image/0.1/": action.Spec.Params, "task/copy-image-quay/0.1/": task.Spec.Params} {
		text := string(readFile(t, tekton+page+"README.md"))
		for _, p := range params {
			row := "| `" + p.Name + "` | |"
			if p.Default != nil {
				row = "| `" + p.Name + "` | `\"" + p.Default.StringVal + "\"` |"
			}
			if !strings.Contains(text, row) {
				t.Errorf("%sREADME.md has no row %s", page, row)
			}
		}
	}
}

func namesOf(params v1.ParamSpecs) (names []string) {
	for _, p := range params {
		names = append(names, p.Name)
	}
	return names
}

// The README's Task is one that Tekton takes, gives the StepAction each param but those whose default is right for it, and takes results
// that it has.
func TestStepActionUsage(t *testing.T) {
	var action v1beta1.StepAction
	parse(t, readFile(t, tekton+"stepaction/push-image/0.1/push-image.yaml"), &action)
	page := readFile(t, tekton+"stepaction/push-image/0.1/README.md")
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("the README has no YAML")
	}
	var task v1.Task
	parse(t, block[1], &task)
	if err := task.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	step := task.Spec.Steps[1]
	if step.Ref == nil || step.Ref.Name != action.Name {
		t.Fatalf("the second step is %+v", step)
	}
	var given, wanted []string
	volume := ""
	for _, p := range step.Params {
		given = append(given, p.Name)
		if p.Name == "dockerconfig-volume" {
			volume = p.Value.StringVal
		}
	}
	for _, name := range namesOf(action.Spec.Params) {
		if name != "source-anonymous" && name != "anchor" && name != "compression" && !slices.Contains(gateParams, name) {
			wanted = append(wanted, name)
		}
	}
	slices.Sort(given)
	slices.Sort(wanted)
	if diff := cmp.Diff(wanted, given); diff != "" {
		t.Errorf("params (-StepAction +Task):\n%s", diff)
	}
	if len(task.Spec.Volumes) != 1 || task.Spec.Volumes[0].Name != volume {
		t.Errorf("the volumes are %+v, the step mounts %q", task.Spec.Volumes, volume)
	}
	for _, r := range task.Spec.Results {
		if !slices.ContainsFunc(action.Spec.Results, func(own v1.StepResult) bool {
			return r.Value.StringVal == "$(steps."+step.Name+".results."+own.Name+")"
		}) {
			t.Errorf("result %q is no result of the step: %q", r.Name, r.Value.StringVal)
		}
	}
}
