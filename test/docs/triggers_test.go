package docs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	v1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/test/docs"
)

// The fields of Tekton Triggers that the pages use, and no other, as tektoncd/triggers 0889029 has them in pkg/apis/triggers/v1beta1. Its
// CRDs take whatever there is, and its webhook says what is wrong; neither can be had here.
type (
	named       struct{ Name, Kind, Ref, Value string }
	interceptor struct {
		Ref    struct{ Name, Kind string }
		Params []struct {
			Name  string
			Value json.RawMessage
		}
	}
	trigger struct {
		Name         string
		Interceptors []interceptor
		Bindings     []named
		Template     struct{ Ref string }
	}
	triggersObject struct {
		metav1.TypeMeta
		Metadata metav1.ObjectMeta
		Spec     struct {
			// Of a TriggerBinding and a TriggerTemplate.
			Params []named
			// Of a TriggerTemplate.
			ResourceTemplates []json.RawMessage `json:"resourcetemplates"`
			// Of an EventListener.
			ServiceAccountName string
			Triggers           []trigger
		}
	}
)

// triggersGroup is before the version in the objects' apiVersion.
const triggersGroup = "triggers.tekton.dev/"

// interceptorParams are those of the interceptors that the pages use (pkg/apis/triggers/v1alpha1/trigger_types.go).
var interceptorParams = map[string][]string{"github": {"secretRef", "eventTypes"}, "cel": {"filter", "overlays"}}

// templateParam is a param in a TriggerTemplate (pkg/apis/triggers/v1beta1/trigger_template_validation.go).
var templateParam = regexp.MustCompile(`\$\(tt\.params\.([_a-zA-Z][_a-zA-Z0-9.-]*)\)`)

// What Triggers' webhook would say of the page's objects, and whether they fit together and to the Pipeline that they start.
func TestTriggers(t *testing.T) {
	objects := map[string]triggersObject{}
	for _, block := range blocks(t, "yaml") {
		documents, err := docs.Documents(block)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range documents {
			object, ok := document.(docs.Object)
			if !ok || !strings.HasPrefix(fmt.Sprint(object["apiVersion"]), triggersGroup) {
				continue
			}
			encoded, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			read, err := readTriggers(encoded)
			if err != nil {
				t.Errorf("%s: %v", block, err)
			}
			objects[read.Kind+" "+read.Metadata.Name] = read
		}
	}
	for name, o := range objects {
		if err := checkTriggers(o, objects); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(objects) != 4 {
		t.Errorf("%d objects were seen, want 4", len(objects))
	}
}

// The reader sees what is wrong.
func TestTriggersMistakes(t *testing.T) {
	const head = `{"apiVersion":"triggers.tekton.dev/v1beta1","metadata":{"name":"x"},`
	binding := `"kind":"TriggerBinding","spec":{"params":[{"name":"commit","value":"$(body.after)"}]}}`
	template := `"kind":"TriggerTemplate","spec":{"params":[{"name":"commit"}],"resourcetemplates":[{"apiVersion":"tekton.dev/v1","kind":"PipelineRun","spec":{"pipelineRef":{"name":"clone-build-and-push-image"},` +
		`"params":[{"name":"image-ref","value":"$(tt.params.commit)"}],"workspaces":[{"name":"source","emptyDir":{}}]}}]}}`
	listener := `"kind":"EventListener","spec":{"serviceAccountName":"a","triggers":[{"interceptors":[{"ref":{"name":"cel"},"params":[{"name":"filter","value":"true"}]}],` +
		`"bindings":[{"ref":"x","kind":"TriggerBinding"}],"template":{"ref":"x"}}]}}`
	objects := map[string]triggersObject{}
	for _, text := range []string{binding, template, listener} {
		o, err := readTriggers([]byte(head + text))
		if err != nil {
			t.Fatal(err)
		}
		objects[o.Kind+" x"] = o
	}
	for name, o := range objects {
		if err := checkTriggers(o, objects); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, test := range []struct{ good, old, new, says string }{
		{template, "resourcetemplates", "resourceTemplate", "unknown field"},
		{template, "tt.params.commit", "tt.params.sha", "not declared"},
		{template, `"image-ref"`, `"image"`, "param"},
		{template, `"name":"source"`, `"name":"sources"`, "workspace"},
		{template, "clone-build-and-push-image", "another", "Pipeline"},
		{binding, "body.after)", "body.after", "closed"},
		{listener, `"ref":"x","kind"`, `"ref":"y","kind"`, "TriggerBinding y"},
		{listener, `"template":{"ref":"x"}`, `"template":{"ref":"y"}`, "TriggerTemplate y"},
		{listener, `"name":"filter"`, `"name":"filters"`, "no param"},
		{listener, `"name":"cel"`, `"name":"gel"`, "no interceptor"},
		{listener, `"serviceAccountName":"a",`, ``, "serviceAccountName"},
	} {
		o, err := readTriggers([]byte(head + strings.Replace(test.good, test.old, test.new, 1)))
		if err == nil {
			err = checkTriggers(o, objects)
		}
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s in the place of %s: %v, want it to say %q", test.new, test.old, err, test.says)
		}
	}
}

// readTriggers reads an object, and refuses a field that is not described here.
func readTriggers(encoded []byte) (o triggersObject, err error) {
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	return o, decoder.Decode(&o)
}

// checkTriggers says what is wrong with the object among those by "Kind name".
func checkTriggers(o triggersObject, all map[string]triggersObject) error {
	switch o.Kind {
	case "TriggerBinding":
		for _, p := range o.Spec.Params {
			if strings.Count(p.Value, "$(") != strings.Count(p.Value, ")") {
				return fmt.Errorf("param %q is not closed", p.Name)
			}
		}
		return nil
	case "TriggerTemplate":
		return checkTemplate(o)
	case "EventListener":
	default:
		return fmt.Errorf("no test knows kind %q", o.Kind)
	}
	if o.Spec.ServiceAccountName == "" || len(o.Metadata.Name) > 60 || len(o.Spec.Triggers) == 0 {
		return fmt.Errorf("it has no serviceAccountName, no trigger, or a name of more than 60 characters")
	}
	for _, trigger := range o.Spec.Triggers {
		for _, i := range trigger.Interceptors {
			known := interceptorParams[i.Ref.Name]
			if known == nil {
				return fmt.Errorf("there is no interceptor %q", i.Ref.Name)
			}
			for _, p := range i.Params {
				if !slices.Contains(known, p.Name) {
					return fmt.Errorf("interceptor %q has no param %q", i.Ref.Name, p.Name)
				}
			}
		}
		template, ok := all["TriggerTemplate "+trigger.Template.Ref]
		if !ok {
			return fmt.Errorf("there is no TriggerTemplate %s", trigger.Template.Ref)
		}
		var given []string
		for _, b := range trigger.Bindings {
			binding, ok := all["TriggerBinding "+b.Ref]
			if !ok || b.Kind != "TriggerBinding" {
				return fmt.Errorf("there is no TriggerBinding %s", b.Ref)
			}
			given = append(given, names(binding.Spec.Params)...)
		}
		if want := names(template.Spec.Params); !slices.Equal(given, want) {
			return fmt.Errorf("the bindings give %q, and the template takes %q", given, want)
		}
	}
	return nil
}

// checkTemplate says what is wrong with what the template makes, which is a run of a Pipeline of ours.
func checkTemplate(o triggersObject) error {
	for _, text := range o.Spec.ResourceTemplates {
		for _, used := range templateParam.FindAllSubmatch(text, -1) {
			if !slices.Contains(names(o.Spec.Params), string(used[1])) {
				return fmt.Errorf("param %q is not declared", used[1])
			}
		}
		var run v1.PipelineRun
		if err := json.Unmarshal(text, &run); err != nil {
			return err
		}
		files, err := filepath.Glob(filepath.Join(root, "tekton/pipeline", run.Spec.PipelineRef.Name+".yaml"))
		if err != nil || len(files) != 1 {
			return fmt.Errorf("%d files have the Pipeline %q", len(files), run.Spec.PipelineRef.Name)
		}
		var pipeline v1.Pipeline
		if err := readYAML(files[0], &pipeline); err != nil {
			return err
		}
		if err := fits(run.Spec, pipeline.Spec); err != nil {
			return err
		}
	}
	return nil
}

// fits says which param or workspace of the run the Pipeline does not have, or the other way round.
func fits(run v1.PipelineRunSpec, pipeline v1.PipelineSpec) error {
	for _, p := range run.Params {
		if !slices.ContainsFunc(pipeline.Params, func(has v1.ParamSpec) bool { return has.Name == p.Name }) {
			return fmt.Errorf("there is no param %q", p.Name)
		}
	}
	for _, has := range pipeline.Params {
		if has.Default == nil && !slices.ContainsFunc(run.Params, func(p v1.Param) bool { return p.Name == has.Name }) {
			return fmt.Errorf("param %q is missing", has.Name)
		}
	}
	for _, has := range pipeline.Workspaces {
		if !has.Optional && !slices.ContainsFunc(run.Workspaces, func(w v1.WorkspaceBinding) bool { return w.Name == has.Name }) {
			return fmt.Errorf("workspace %q is not bound", has.Name)
		}
	}
	return nil
}

func names(params []named) (all []string) {
	for _, p := range params {
		all = append(all, p.Name)
	}
	return all
}
