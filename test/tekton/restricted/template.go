// Package restricted finds every Pod that comes of this repository, and tells whether Kubernetes' Pod security "restricted" and
// OpenShift's SecurityContextConstraints "restricted-v2" let it in.
package restricted

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// documents reads the YAML documents of all files below dir, by their path and place in it: "config/fleet/500-verify.yaml#0".
func documents(dir string) (map[string]any, error) {
	all := map[string]any{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, document := range bytes.Split(content, []byte("\n---")) {
			var object any
			if err := yaml.Unmarshal(document, &object); err != nil {
				return fmt.Errorf("reading %q: %w", path, err)
			}
			all[fmt.Sprintf("%s#%d", path, i)] = object
		}
		return nil
	})
	return all, err
}

// Templates returns every Pod that a file below dir is a template of, by "<kind> <name>". Whatever holds a Pod's metadata and a spec
// with containers is one, of any kind and at any depth.
func Templates(dir string) (map[string]*corev1.Pod, error) {
	all, err := documents(dir)
	if err != nil {
		return nil, err
	}
	pods := map[string]*corev1.Pod{}
	for path, document := range all {
		object, _ := document.(map[string]any)
		metadata, _ := object["metadata"].(map[string]any)
		name := fmt.Sprint(object["kind"], " ", metadata["name"])
		for _, template := range templates(document) {
			if pods[name] != nil {
				return nil, fmt.Errorf("reading %q: %s has a second Pod", path, name)
			}
			if pods[name], err = decode(template); err != nil {
				return nil, fmt.Errorf("reading %q: %w", path, err)
			}
		}
	}
	return pods, nil
}

// templates returns what in value has a spec with containers.
func templates(value any) (found []any) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			found = append(found, templates(item)...)
		}
	case map[string]any:
		if spec, ok := value["spec"].(map[string]any); ok && spec["containers"] != nil {
			return []any{value}
		}
		for _, item := range value {
			found = append(found, templates(item)...)
		}
	}
	return found
}

// decode reads a Pod's metadata and spec, and refuses what Kubernetes has no field for.
func decode(template any) (*corev1.Pod, error) {
	content, err := json.Marshal(template)
	if err != nil {
		return nil, err
	}
	pod := &corev1.Pod{}
	return pod, yaml.UnmarshalStrict(content, pod)
}
