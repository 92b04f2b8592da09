package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// release is the Argo CD whose engine go.mod names; its module has the definition of Applications.
const release = "github.com/argoproj/argo-cd/v3@v3.6.1"

// Applications in the documentation are what Argo CD takes: no field is unknown, and none is missing.
func TestApplicationsOfThePage(t *testing.T) {
	problems := definition(t)
	page, err := os.ReadFile(root + "/docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, block := range strings.Split(string(page), "```yaml\n")[1:] {
		text, _, _ := strings.Cut(block, "```")
		for document := range strings.SplitSeq(text, "\n---\n") {
			object := parse(t, document)
			if object.GetKind() != "Application" {
				continue
			}
			seen++
			if found := problems(object); len(found) > 0 {
				t.Errorf("Application %s: %q", object.GetName(), found)
			}
		}
	}
	if seen < 2 {
		t.Errorf("%d Applications are on the page", seen)
	}
	for name, c := range map[string]struct {
		change func(spec map[string]any)
		says   string
	}{
		"an unknown field":  {func(spec map[string]any) { spec["syncOptions"] = []any{"CreateNamespace=true"} }, "spec.syncOptions"},
		"no destination":    {func(spec map[string]any) { delete(spec, "destination") }, "spec.destination"},
		"options as a text": {func(spec map[string]any) { spec["syncPolicy"] = map[string]any{"syncOptions": "a"} }, "spec.syncPolicy.syncOptions"},
		"an unknown setting": {func(spec map[string]any) {
			spec["syncPolicy"] = map[string]any{"automated": map[string]any{"heal": true}}
		}, "spec.syncPolicy.automated.heal"},
	} {
		object := parse(t, `{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}, spec: {project: default, destination: {namespace: b}}}`)
		if found := problems(object); len(found) > 0 {
			t.Fatalf("without a change: %q", found)
		}
		c.change(object.Object["spec"].(map[string]any))
		if found := problems(object); len(found) != 1 || !strings.Contains(found[0], c.says) {
			t.Errorf("%s: %q", name, found)
		}
	}
}

// definition returns what finds out what is wrong with an Application, by Argo CD's CustomResourceDefinition, as a strict API server does.
func definition(t *testing.T) func(*unstructured.Unstructured) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", release).Output()
	if err != nil {
		t.Fatalf("downloading %s: %v\n%s", release, err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(module.Dir, "manifests", "crds", "application-crd.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &crd); err != nil {
		t.Fatal(err)
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(crd.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil); err != nil {
		t.Fatal(err)
	}
	structural, err := schema.NewStructural(&props)
	if err != nil {
		t.Fatal(err)
	}
	validator, _, err := validation.NewSchemaValidator(&props)
	if err != nil {
		t.Fatal(err)
	}
	return func(object *unstructured.Unstructured) (found []string) {
		for _, err := range validation.ValidateCustomResource(nil, object.Object, validator) {
			found = append(found, err.Error())
		}
		options := schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
		return append(found, pruning.PruneWithOptions(object.DeepCopy().Object, structural, true, options)...)
	}
}
