//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// field is a field of an object as the API server itself describes it.
type field struct {
	Type        string            `json:"type"`
	Format      string            `json:"format"`
	Ref         string            `json:"$ref"`
	AllOf       []*field          `json:"allOf"`
	OneOf       []*field          `json:"oneOf"`
	Properties  map[string]*field `json:"properties"`
	Items       *field            `json:"items"`
	Values      *field            `json:"additionalProperties"`
	Enum        []any             `json:"enum"`
	Required    []string          `json:"required"`
	IntOrString bool              `json:"x-kubernetes-int-or-string"`

	Kinds []metav1.GroupVersionKind `json:"x-kubernetes-group-version-kind"`
}

// schemas are the kinds that the API server serves.
type schemas map[schema.GroupVersionKind]*field

// readSchemas reads what the API server says of every version of Tekton's kinds, and of Kubernetes' own.
func readSchemas(ctx context.Context, config *rest.Config) (schemas, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	get := func(path string, into any) error {
		document, err := client.RESTClient().Get().AbsPath(path).Do(ctx).Raw()
		if err != nil {
			return fmt.Errorf("reading schema %q: %w", path, err)
		}
		return json.Unmarshal(document, into)
	}
	var index struct{ Paths map[string]any }
	if err := get("/openapi/v3", &index); err != nil {
		return nil, err
	}
	all := schemas{}
	for path := range index.Paths {
		if path != "api/v1" && !strings.HasPrefix(path, "apis/tekton.dev/") && !strings.HasPrefix(path, "apis/resolution.tekton.dev/") {
			continue
		}
		var document struct {
			Components struct{ Schemas map[string]*field }
		}
		if err := get("/openapi/v3/"+path, &document); err != nil {
			return nil, err
		}
		for _, f := range document.Components.Schemas {
			f.resolve(document.Components.Schemas)
		}
		for _, f := range document.Components.Schemas {
			if len(f.Kinds) == 1 {
				all[schema.GroupVersionKind(f.Kinds[0])] = f
			}
		}
	}
	for kind, f := range all {
		f.fill(kind, all, map[*field]bool{})
	}
	return all, nil
}

// resolve has references point to what they name.
func (f *field) resolve(named map[string]*field) {
	if f == nil {
		return
	}
	for name, property := range f.Properties {
		f.Properties[name] = property.target(named)
		property.resolve(named)
	}
	f.Items.resolve(named)
	f.Values.resolve(named)
	f.Items, f.Values = f.Items.target(named), f.Values.target(named)
}

func (f *field) target(named map[string]*field) *field {
	switch {
	case f == nil:
		return nil
	case f.Ref != "":
		return named[f.Ref[strings.LastIndex(f.Ref, "/")+1:]]
	case len(f.AllOf) == 1 && f.AllOf[0].Ref != "":
		return f.AllOf[0].target(named)
	}
	return f
}

// fill gives the fields that have no schema the one of what Tekton reads there. A param's value has none.
func (f *field) fill(kind schema.GroupVersionKind, all schemas, seen map[*field]bool) {
	if f == nil || seen[f] {
		return
	}
	seen[f] = true
	at := func(version, kind string, path ...string) *field {
		group := ""
		if kind == "Pipeline" || kind == "Task" {
			group = "tekton.dev"
		}
		found := all[schema.GroupVersionKind{Group: group, Version: version, Kind: kind}]
		for _, name := range path {
			if found == nil {
				return nil
			}
			found = found.Properties[name]
		}
		return found
	}
	for name, property := range f.Properties {
		if !property.untyped() {
			property.fill(kind, all, seen)
			continue
		}
		var meant *field
		switch name {
		case "pipelineSpec":
			meant = at(kind.Version, "Pipeline", "spec")
		case "taskSpec":
			meant = at(kind.Version, "Task", "spec")
		case "volumeClaimTemplate":
			meant = at("v1", "PersistentVolumeClaim")
		default:
			meant = at("v1", "Pod", "spec", name)
		}
		if meant != nil {
			f.Properties[name] = meant
		}
	}
	f.Items.fill(kind, all, seen)
	f.Values.fill(kind, all, seen)
}

func (f *field) untyped() bool {
	return f.Type == "" && len(f.Properties) == 0 && len(f.OneOf) == 0 && !f.IntOrString
}

// paths lists the fields below f to the given depth: [] is an element of a list, * a value of a map.
func (f *field) paths(depth int) (all [][]string) {
	if f == nil || depth == 0 {
		return nil
	}
	below := map[string]*field{"[]": f.Items, "*": f.Values}
	for name, property := range f.Properties {
		below[name] = property
	}
	for name, child := range below {
		if child == nil {
			continue
		}
		all = append(all, []string{name})
		for _, path := range child.paths(depth - 1) {
			all = append(all, append([]string{name}, path...))
		}
	}
	slices.SortFunc(all, slices.Compare)
	return all
}
