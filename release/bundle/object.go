package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// kinds are what a bundle holds, as its resolver is asked for them but for the case.
var kinds = []string{"Task", "StepAction", "Pipeline"}

// Object is a Task, a StepAction or a Pipeline, whose images are in a registry.
type Object struct {
	// File is where it was read.
	File string
	// APIVersion and Kind are as in the file, such as tekton.dev/v1 and Task; Name is its metadata's.
	APIVersion, Kind, Name string
	// Version is its label app.kubernetes.io/version; a Pipeline has none.
	Version string
	// Content is the YAML document.
	Content []byte
}

// Parse returns the object of a file's content: one YAML document of a kind that Tekton's bundles resolver is asked for, with a name, in which
// no image is left for ko to build. An error has the file.
func Parse(file string, content []byte) (Object, error) {
	object, err := parse(content)
	if err != nil {
		return Object{}, fmt.Errorf("reading %q: %w", file, err)
	}
	object.File = file
	return object, nil
}

func parse(content []byte) (Object, error) {
	type document struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name   string            `json:"name"`
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
	}
	var d, more document
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), len(content))
	if err := decoder.Decode(&d); err != nil {
		return Object{}, err
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return Object{}, errors.New("there is more than one YAML document in it: give each object a file")
	}
	switch {
	case !slices.Contains(kinds, d.Kind) || !strings.HasPrefix(d.APIVersion, "tekton.dev/"):
		return Object{}, fmt.Errorf("kind %q of %q is none of %s", d.Kind, d.APIVersion, strings.Join(kinds, ", "))
	case d.Metadata.Name == "":
		return Object{}, fmt.Errorf("the %s has no metadata.name", d.Kind)
	}
	if _, image, found := strings.Cut(string(content), scheme); found {
		image, _, _ = strings.Cut(image, "\n")
		return Object{}, fmt.Errorf("%s%s is not resolved: a node cannot pull it", scheme, image)
	}
	return Object{APIVersion: d.APIVersion, Kind: d.Kind, Name: d.Metadata.Name, Version: d.Metadata.Labels["app.kubernetes.io/version"], Content: content}, nil
}

// check says what keeps the objects from being one bundle: two of the same kind and name, or too many of them. An error has their files.
func check(objects []Object) error {
	files := map[string]string{}
	for _, o := range objects {
		key := o.Kind + " " + o.Name
		if file, ok := files[key]; ok {
			return fmt.Errorf("%s is in %q and in %q: the resolver would only see one", key, file, o.File)
		}
		files[key] = o.File
	}
	if len(objects) > most {
		return fmt.Errorf("there are %d objects, the last in %q: Tekton's resolver refuses a bundle of more than %d", len(objects), objects[len(objects)-1].File, most)
	}
	return nil
}
