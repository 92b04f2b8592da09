package olm

import (
	"bytes"
	"fmt"
	"maps"
	"strings"

	"sigs.k8s.io/yaml"
)

// object is one YAML document of a manifest: as it is written, and as it is read.
type object struct {
	kind, name string
	text       []byte
	content    map[string]any
}

// read returns the objects of a manifest, in its order.
func read(manifest []byte) (objects []object, err error) {
	for text := range bytes.SplitSeq(append([]byte("\n"), manifest...), []byte("\n---")) {
		o := object{text: bytes.TrimSpace(text)}
		if err := yaml.Unmarshal(text, &o.content); err != nil {
			return nil, fmt.Errorf("reading the manifest's object %d: %w", len(objects)+1, err)
		}
		if len(o.content) == 0 {
			continue
		}
		if o.kind, o.name = o.string("kind"), o.string("metadata", "name"); o.kind == "" || o.name == "" {
			return nil, fmt.Errorf("reading the manifest's object %d: it has no kind or no name", len(objects)+1)
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// anywhere is the object without its namespace, which a bundle's must not have: it is where OLM installs the bundle.
func (o object) anywhere() ([]byte, error) {
	content, metadata := maps.Clone(o.content), maps.Clone(o.content["metadata"].(map[string]any))
	delete(metadata, "namespace")
	content["metadata"] = metadata
	return yaml.Marshal(content)
}

// at returns what is at the path, or nil.
func (o object) at(path ...string) any {
	var value any = o.content
	for _, key := range path {
		within, _ := value.(map[string]any)
		value = within[key]
	}
	return value
}

// string returns the text at the path, or none.
func (o object) string(path ...string) string {
	text, _ := o.at(path...).(string)
	return text
}

// file is the name of the object's file in a bundle, as operator-sdk gives it.
func (o object) file() string {
	return fmt.Sprintf("manifests/%s.%s.yaml", o.name, strings.ToLower(o.kind))
}
