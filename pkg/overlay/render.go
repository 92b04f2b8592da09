package overlay

import (
	"fmt"
	"io/fs"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
)

// kustomize is one at a time: kyaml keeps one OpenAPI schema per process, and a run replaces it.
var kustomize sync.Mutex

// render returns the images of the containers in what kustomize makes of a directory that is staged.
func (s *stage) render(dir string) ([]string, error) {
	kustomize.Lock()
	defer kustomize.Unlock()
	resources, err := build(s, dir)
	if err != nil {
		return nil, refuse(ReasonRender, "see what `kustomize build "+dir+"` says", "kustomize does not render %q: %v", dir, err)
	}
	var images []string
	for _, resource := range resources.Resources() {
		object, err := resource.Map()
		if err != nil {
			return nil, fmt.Errorf("reading what kustomize made of %q: %w", dir, err)
		}
		images = append(images, containerImages(object)...)
	}
	return images, nil
}

// build runs kustomize. Its readers are not written for hostile input, so that a panic is an error like others.
func build(s *stage, dir string) (resources resmap.ResMap, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("kustomize panicked: %v", p)
		}
	}()
	return krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(s.memory, "/"+dir)
}

// containerImages finds the images in a Kubernetes object, where kustomize would: in lists of containers, at any depth.
func containerImages(value any) []string {
	var images []string
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			if list, ok := child.([]any); ok && (key == "containers" || key == "initContainers") {
				for _, item := range list {
					if container, ok := item.(map[string]any); ok {
						if image, ok := container["image"].(string); ok {
							images = append(images, image)
						}
					}
				}
			}
			images = append(images, containerImages(child)...)
		}
	case []any:
		for _, child := range v {
			images = append(images, containerImages(child)...)
		}
	}
	return images
}

// baseImages are the images of the app's base, without tag and digest.
func baseImages(tree fs.FS, o Overlay) ([]string, error) {
	s := newStage(tree)
	if err := s.addRoot(o.Base()); err != nil {
		return nil, err
	}
	images, err := s.render(o.Base())
	for i, image := range images {
		images[i] = withoutTag(image)
	}
	return images, err
}

// overlayImages are the images of the overlay, were its kustomization data.
func overlayImages(tree fs.FS, o Overlay, data []byte) ([]string, error) {
	s := newStage(tree)
	s.edited[o.Path()] = data
	if err := s.addRoot(o.Dir()); err != nil {
		return nil, err
	}
	return s.render(o.Dir())
}
