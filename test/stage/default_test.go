package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	pipelinev1beta1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
)

// tektonObject is what Tekton's webhook reads an object into, and fills in what was left out.
type tektonObject interface{ SetDefaults(context.Context) }

// What Tekton fills in is written out in tekton/ wherever it is in a list: Argo CD compares a list of such an object as a whole, and
// would call it OutOfSync for ever. The webhook answers with the object as its own types write it.
func TestTektonDefaultsAreWrittenOut(t *testing.T) {
	kinds := map[string]func() tektonObject{
		"Task":       func() tektonObject { return &pipelinev1.Task{} },
		"Pipeline":   func() tektonObject { return &pipelinev1.Pipeline{} },
		"StepAction": func() tektonObject { return &pipelinev1beta1.StepAction{} },
	}
	files := glob(t, "../../tekton/pipeline/*.yaml", "../../tekton/*/*/*/*.yaml")
	for _, file := range files {
		var written map[string]any
		read(t, file, &written)
		kind, ok := kinds[fmt.Sprint(written["kind"])]
		if !ok {
			t.Errorf("%s has a %v", file, written["kind"])
			continue
		}
		object := kind()
		read(t, file, object)
		object.SetDefaults(t.Context())
		for _, field := range filled(t, written, object) {
			t.Errorf("%s: Tekton fills in %s", file, field)
		}
	}
	if len(files) < 6 {
		t.Errorf("only %v were looked at", files)
	}
}

// A list with an item that Tekton changes is found; a field that it adds elsewhere is not.
func TestFilled(t *testing.T) {
	written := map[string]any{"spec": map[string]any{"results": []any{map[string]any{"name": "a"}}}}
	task := &pipelinev1.Task{Spec: pipelinev1.TaskSpec{Results: []pipelinev1.TaskResult{{Name: "a"}}}}
	if found := filled(t, written, task); len(found) != 0 {
		t.Errorf("before the defaults %q is filled in", found)
	}
	task.SetDefaults(t.Context())
	if found := filled(t, written, task); len(found) != 1 || found[0] != ".spec.results: [map[name:a]] becomes [map[name:a type:string]]" {
		t.Errorf("filled in is %q", found)
	}
}

// filled lists where object has another list than what was written.
func filled(t *testing.T, written map[string]any, object any) []string {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var stored any
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	// The numbers of YAML as those of JSON.
	var plain any
	if text, err = json.Marshal(written); err == nil {
		err = json.Unmarshal(text, &plain)
	}
	if err != nil {
		t.Fatal(err)
	}
	return compare("", plain, stored)
}

func compare(path string, written, stored any) []string {
	object, ok := written.(map[string]any)
	other, both := stored.(map[string]any)
	if !ok || !both {
		if reflect.DeepEqual(written, stored) {
			return nil
		}
		return []string{fmt.Sprintf("%s: %v becomes %v", path, written, stored)}
	}
	var found []string
	for key, value := range object {
		found = append(found, compare(path+"."+key, value, other[key])...)
	}
	return found
}
