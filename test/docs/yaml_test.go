package docs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/test/docs"
)

const root = "../.."

// Every block of YAML is something that can be used: a whole object, or a part of a thing that the test knows. Whole objects the test
// of the same name in test/e2e gives to an API server.
func TestYAML(t *testing.T) {
	seen := 0
	for _, block := range blocks(t, "yaml") {
		documents, err := docs.Documents(block)
		if err != nil {
			t.Error(err)
		}
		for _, document := range documents {
			seen++
			if err := check(document); err != nil {
				t.Errorf("%s: %v", block, err)
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d documents were seen", seen)
	}
}

// blocks returns the blocks of the language of all pages.
func blocks(t *testing.T, language string) []docs.Block {
	t.Helper()
	found, err := docs.Blocks(root, language)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// check says what is wrong with a document.
func check(document any) error {
	if pipeline, ok := docs.Pipeline(document); ok {
		return checkPipeline(pipeline)
	}
	if docs.IsObject(document) {
		return nil
	}
	object, ok := document.(docs.Object)
	switch {
	case !ok:
		return fmt.Errorf("no test knows what %v is", document)
	case object["jobs"] != nil:
		return checkWorkflow(object)
	case isJob(object):
		return checkJob(object)
	case object["params"] != nil && len(object) == 1:
		return checkRunParams(object)
	case object["resources"] != nil, object["patches"] != nil:
		var kustomization types.Kustomization
		return convert(object, &kustomization)
	case object["spec"] != nil && len(object) == 1:
		return checkDeploymentPatch(object)
	}
	// What is left are keys of config-tenancy.
	data := map[string]string{}
	if err := convert(object, &data); err != nil {
		return err
	}
	_, err := config.FromConfigMap(&corev1.ConfigMap{Data: data})
	return err
}

// checkPipeline says what keeps the Pipeline from running in a namespace in which there are no Tasks but the author's own build-image.
func checkPipeline(object docs.Object) error {
	var pipeline v1.Pipeline
	if err := convert(object, &pipeline); err != nil {
		return err
	}
	for _, task := range pipeline.Spec.Tasks {
		if err := checkTask(task); err != nil {
			return fmt.Errorf("task %q: %w", task.Name, err)
		}
	}
	return nil
}

// known are the params and workspaces of what a task refers to.
type known struct{ params, required, workspaces []string }

func checkTask(task v1.PipelineTask) error {
	of, err := reference(task.TaskRef)
	if err != nil {
		return err
	}
	var params, workspaces []string
	for _, p := range task.Params {
		params = append(params, p.Name)
		if !slices.Contains(of.params, p.Name) {
			return fmt.Errorf("there is no param %q", p.Name)
		}
	}
	for _, w := range task.Workspaces {
		workspaces = append(workspaces, w.Name)
	}
	for _, name := range of.required {
		if !slices.Contains(params, name) {
			return fmt.Errorf("param %q is missing", name)
		}
	}
	for _, name := range of.workspaces {
		// A push from a registry takes no workspace.
		if !slices.Contains(workspaces, name) && !slices.Contains(params, v1alpha1.ParamSource) {
			return fmt.Errorf("workspace %q is not bound", name)
		}
	}
	return nil
}

// reference returns what the reference is to, if a namespace without Tasks of ours resolves it.
func reference(ref *v1.TaskRef) (known, error) {
	source := []string{v1alpha1.WorkspaceSource}
	switch {
	case ref.APIVersion == v1alpha1.APIVersion && string(ref.Kind) == v1alpha1.KindPushImage:
		image := []string{v1alpha1.ParamImageRef}
		return known{append(image, v1alpha1.ParamTag, v1alpha1.ParamAnchor, v1alpha1.ParamSource, v1alpha1.ParamCompression, v1alpha1.ParamDockerconfigSecret), image, source}, nil
	case ref.APIVersion == v1alpha1.APIVersion && string(ref.Kind) == v1alpha1.KindResolveTenant:
		return known{params: []string{v1alpha1.ParamImageRef, v1alpha1.ParamPreflight}}, nil
	case ref.Name == "build-image":
		return known{workspaces: source}, nil
	case ref.Resolver != "cluster" && ref.Resolver != "bundles":
		return known{}, fmt.Errorf("a tenant's namespace has no Task %q: take it by the cluster resolver, or from the bundle", ref.Name)
	}
	given := map[string]string{}
	for _, p := range ref.Params {
		given[p.Name] = p.Value.StringVal
	}
	cluster := ref.Resolver == "cluster" && given["namespace"] == "openshift-pipelines"
	bundles := ref.Resolver == "bundles" && strings.Contains(given["bundle"], "@sha256:")
	if given["kind"] != "task" || !cluster && !bundles || len(given) != 3 {
		return known{}, fmt.Errorf("the resolver %s is given %v", ref.Resolver, given)
	}
	files, err := filepath.Glob(filepath.Join(root, "tekton/task", given["name"], "*", "*.yaml"))
	if err != nil || len(files) != 1 {
		return known{}, fmt.Errorf("%d files have the Task %q", len(files), given["name"])
	}
	var task v1.Task
	if err := readYAML(files[0], &task); err != nil {
		return known{}, err
	}
	var of known
	for _, p := range task.Spec.Params {
		of.params = append(of.params, p.Name)
		if p.Default == nil {
			of.required = append(of.required, p.Name)
		}
	}
	for _, w := range task.Spec.Workspaces {
		if !w.Optional {
			of.workspaces = append(of.workspaces, w.Name)
		}
	}
	return of, nil
}

// checkRunParams says which params of a run the shipped Pipeline does not have.
func checkRunParams(object docs.Object) error {
	var spec v1.PipelineRunSpec
	if err := convert(object, &spec); err != nil {
		return err
	}
	var pipeline v1.Pipeline
	if err := readYAML(filepath.Join(root, "tekton/pipeline/build-and-push-image.yaml"), &pipeline); err != nil {
		return err
	}
	for _, p := range spec.Params {
		if !slices.ContainsFunc(pipeline.Spec.Params, func(has v1.ParamSpec) bool { return has.Name == p.Name }) {
			return fmt.Errorf("Pipeline %q has no param %q", pipeline.Name, p.Name)
		}
	}
	return nil
}

// checkDeploymentPatch says what keeps the patch from being one of the controller's Deployment.
func checkDeploymentPatch(patch docs.Object) error {
	encoded, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(encoded, new(appsv1.Deployment)); err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(root, "config/500-controller.yaml"))
	if err != nil {
		return err
	}
	documents, err := docs.Documents(docs.Block{Page: "500-controller.yaml", Text: string(data)})
	if err != nil {
		return err
	}
	original, err := json.Marshal(documents[0])
	if err != nil {
		return err
	}
	merged, err := strategicpatch.StrategicMergePatch(original, encoded, appsv1.Deployment{})
	if err != nil {
		return err
	}
	var deployment appsv1.Deployment
	if err := json.Unmarshal(merged, &deployment); err != nil {
		return err
	}
	if containers := deployment.Spec.Template.Spec.Containers; len(containers) != 1 {
		return fmt.Errorf("the Deployment has %d containers with it", len(containers))
	}
	return nil
}

// convert decodes what was decoded from YAML into a type, and refuses a field that it does not have.
func convert(from, to any) error {
	encoded, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return yaml.UnmarshalStrict(encoded, to)
}

func readYAML(file string, to any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(data, to); err != nil {
		return fmt.Errorf("reading %q: %w", file, err)
	}
	return nil
}
