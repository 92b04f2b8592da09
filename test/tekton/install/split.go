package install

import (
	"bytes"
	"fmt"

	"sigs.k8s.io/yaml"
)

// Split parts YAML documents into what the others stand on, namespaces and CRDs, and the others, each in its order.
func Split(manifests []byte) (first, rest []byte, err error) {
	for document := range bytes.SplitSeq(manifests, []byte("\n---")) {
		var object struct {
			Kind string `json:"kind"`
		}
		if err := yaml.Unmarshal(document, &object); err != nil {
			return nil, nil, fmt.Errorf("reading manifests: %w", err)
		}
		part := &rest
		switch object.Kind {
		case "":
			continue
		case "Namespace", "CustomResourceDefinition":
			part = &first
		}
		*part = append(append(*part, "\n---\n"...), bytes.TrimPrefix(document, []byte("---"))...)
	}
	return first, rest, nil
}
