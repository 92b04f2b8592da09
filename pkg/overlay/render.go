package overlay

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
)

// kustomize is one at a time: kyaml keeps one OpenAPI schema per process, and a run replaces it.
var kustomize sync.Mutex

// render visits each text of what kustomize makes of a directory that is staged.
func (s *stage) render(dir string, visit func(path []string, i image)) error {
	kustomize.Lock()
	defer kustomize.Unlock()
	var resources resmap.ResMap
	var err error
	listen(s.tree, func() { resources, err = build(s, dir) })
	if err != nil {
		return refuse(ReasonRender, "correct what kustomize names; `kustomize build "+dir+"` shows it too", "kustomize does not render %q: %v", dir, err)
	}
	seen := map[string]int{}
	for _, resource := range resources.Resources() {
		object, err := resource.Map()
		if err != nil {
			return fmt.Errorf("reading what kustomize made of %q: %w", dir, err)
		}
		// The name as it was before a prefix or the hash of the content came to it.
		id := resource.OrgId()
		name := fmt.Sprintf("%s %q", id.Kind, id.Name)
		if seen[id.String()]++; seen[id.String()] > 1 {
			name += fmt.Sprintf(" (%d)", seen[id.String()])
		}
		texts(object, nil, func(path []string, text string) {
			visit(path, image{name + " " + strings.ReplaceAll(strings.Join(path, "."), ".[", "["), text})
		})
	}
	return nil
}

// build runs kustomize. Its readers are not written for hostile input, so that a panic is an error like others.
func build(s *stage, dir string) (resources resmap.ResMap, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("kustomize panicked: %v", p)
		}
	}()
	options := krusty.MakeDefaultOptions()
	// With any other value kustomize warns, where there are sortOptions, of a flag that nobody gave.
	options.Reorder = krusty.ReorderOptionUnspecified
	return krusty.MakeKustomizer(options).Run(s.memory, "/"+dir)
}

// texts calls visit for each text in an object, in the order of the keys.
func texts(value any, path []string, visit func(path []string, text string)) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			texts(v[key], append(path, key), visit)
		}
	case []any:
		for i, child := range v {
			texts(child, append(path, fmt.Sprintf("[%d]", i)), visit)
		}
	case string:
		visit(path, v)
	}
}
