package docs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// Object is a Kubernetes object, or another mapping of YAML.
type Object = map[string]any

// Documents returns the YAML documents of the block, each an Object or a list.
func Documents(b Block) ([]any, error) {
	var documents []any
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewBufferString(b.Text), 4096)
	for {
		var document any
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return documents, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading %s: %w", b, err)
		}
		documents = append(documents, document)
	}
}

// IsObject reports whether the document is a whole Kubernetes object.
func IsObject(document any) bool {
	object, ok := document.(Object)
	return ok && object["apiVersion"] != nil && object["kind"] != nil
}

// Pipeline returns the Pipeline of the document: it is one, or a part of one, a list of its tasks. What the part refers to, tasks and
// workspaces of the pipeline that it is cut from, is added: a task that is only named is one of an own Task build-image.
func Pipeline(document any) (pipeline Object, ok bool) {
	tasks, ok := document.([]any)
	if !ok {
		object, isObject := document.(Object)
		return object, isObject && object["kind"] == "Pipeline"
	}
	text, names := fmt.Sprint(document), []string{}
	for _, task := range tasks {
		object, isObject := task.(Object)
		if !isObject || object["taskRef"] == nil {
			return nil, false
		}
		names = append(names, fmt.Sprint(object["name"]))
	}
	for _, found := range regexp.MustCompile(`\$\(tasks\.([a-z-]+)\.|runAfter:\[([a-z-]+)\]`).FindAllStringSubmatch(text, -1) {
		if name := found[1] + found[2]; !slices.Contains(names, name) {
			names = append(names, name)
			tasks = append(tasks, Object{"name": name, "taskRef": Object{"name": "build-image"}, "workspaces": []any{Object{"name": "source", "workspace": "source"}}})
		}
	}
	workspaces := []any{Object{"name": "source"}}
	for _, found := range regexp.MustCompile(`workspace:([a-z-]+)`).FindAllStringSubmatch(text, -1) {
		if bound := (Object{"name": found[1]}); !slices.ContainsFunc(workspaces, func(w any) bool { return w.(Object)["name"] == bound["name"] }) {
			workspaces = append(workspaces, bound)
		}
	}
	return Object{"apiVersion": "tekton.dev/v1", "kind": "Pipeline", "metadata": Object{"name": "part"},
		"spec": Object{"workspaces": workspaces, "tasks": tasks}}, true
}
