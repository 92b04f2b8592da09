package olm

import (
	_ "embed"
	"encoding/base64"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

var (
	//go:embed about.yaml
	about []byte
	//go:embed description.md
	description string
	//go:embed icon.svg
	icon []byte
)

// serviceVersion returns the ClusterServiceVersion: what about.yaml says, and of the objects the Deployments and what their accounts may do.
func serviceVersion(version string, objects []object, images map[string]string) ([]byte, error) {
	var csv struct {
		APIVersion string         `json:"apiVersion"`
		Kind       string         `json:"kind"`
		Metadata   map[string]any `json:"metadata"`
		Spec       map[string]any `json:"spec"`
	}
	if err := yaml.UnmarshalStrict(about, &csv); err != nil {
		return nil, fmt.Errorf("reading about.yaml: %w", err)
	}
	if err := check(objects); err != nil {
		return nil, err
	}
	deployments, permissions, oldest := []any{}, []any{}, ""
	for _, o := range objects {
		switch o.kind {
		case "Deployment":
			deployments = append(deployments, map[string]any{"name": o.name, "label": o.at("metadata", "labels"), "spec": o.at("spec")})
			for _, container := range o.list("spec", "template", "spec", "containers") {
				csv.Metadata["annotations"].(map[string]any)["containerImage"] = container.at("image")
				for _, variable := range container.list("env") {
					if variable.string("name") == "KUBERNETES_MIN_VERSION" {
						oldest = strings.TrimPrefix(variable.string("value"), "v")
					}
				}
			}
		case "ClusterRole":
			for _, account := range accounts(o, objects) {
				permissions = append(permissions, map[string]any{"serviceAccountName": account, "rules": o.at("rules")})
			}
		}
	}
	if len(deployments) != 1 || oldest == "" {
		return nil, fmt.Errorf("reading the manifest: %d Deployments, which need Kubernetes %q", len(deployments), oldest)
	}
	number := strings.TrimPrefix(version, "v")
	csv.Metadata["name"] = Name + "." + version
	// From any version to this one. There is no way around an older one.
	csv.Metadata["annotations"].(map[string]any)["olm.skipRange"] = "<" + number
	csv.Spec["version"], csv.Spec["description"], csv.Spec["minKubeVersion"] = number, description, oldest
	csv.Spec["icon"] = []any{map[string]any{"base64data": base64.StdEncoding.EncodeToString(icon), "mediatype": "image/svg+xml"}}
	csv.Spec["install"] = map[string]any{"strategy": "deployment", "spec": map[string]any{"deployments": deployments, "clusterPermissions": permissions}}
	related := []any{}
	for _, name := range slices.Sorted(maps.Keys(images)) {
		related = append(related, map[string]any{"name": name, "image": images[name]})
	}
	csv.Spec["relatedImages"] = related
	return yaml.Marshal(csv)
}

// check says what a ClusterServiceVersion cannot express: an account that no Deployment runs as, or a right of anybody else's.
func check(objects []object) error {
	running, roles := map[string]bool{}, map[string]bool{}
	for _, o := range objects {
		running[o.string("spec", "template", "spec", "serviceAccountName")] = true
		roles[o.name] = roles[o.name] || o.kind == "ClusterRole"
	}
	for _, o := range objects {
		switch o.kind {
		case "ServiceAccount":
			if !running[o.name] {
				return fmt.Errorf("reading the manifest: ServiceAccount %q is no Deployment's", o.name)
			}
		case "ClusterRoleBinding":
			stranger := slices.ContainsFunc(o.list("subjects"), func(s object) bool { return s.string("kind") != "ServiceAccount" || !running[s.string("name")] })
			if role := o.string("roleRef", "name"); !roles[role] || stranger {
				return fmt.Errorf("reading the manifest: ClusterRoleBinding %q binds %q to other than a Deployment's account", o.name, role)
			}
		}
	}
	return nil
}

// accounts are the ServiceAccounts that have the ClusterRole by a ClusterRoleBinding.
func accounts(role object, objects []object) (names []string) {
	for _, o := range objects {
		if o.kind == "ClusterRoleBinding" && o.string("roleRef", "name") == role.name {
			for _, subject := range o.list("subjects") {
				names = append(names, subject.string("name"))
			}
		}
	}
	return names
}

// list returns the objects of the list at the path.
func (o object) list(path ...string) (items []object) {
	values, _ := o.at(path...).([]any)
	for _, value := range values {
		content, _ := value.(map[string]any)
		items = append(items, object{content: content})
	}
	return items
}

// imagePattern is a reference by digest, wherever it stands: in an image's field, or in the default of a Task's param.
var imagePattern = regexp.MustCompile(`[a-z0-9][a-z0-9.-]*(?::[0-9]+)?(?:/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}`)

// imageField is the image of a container or a step. One that a Task's param names is found where that has its default.
var imageField = regexp.MustCompile(`(?m)^\s*(?:- )?image: *([^$\s]\S*)$`)

// images returns the images of the manifests by the last part of their repositories' names.
func images(manifests ...[]byte) (map[string]string, error) {
	found := map[string]string{}
	for _, manifest := range manifests {
		for _, field := range imageField.FindAllSubmatch(manifest, -1) {
			if image := string(field[1]); imagePattern.FindString(image) != image {
				return nil, fmt.Errorf("reading images: %q is not by digest alone", image)
			}
		}
		for _, image := range imagePattern.FindAllString(string(manifest), -1) {
			repository, _, _ := strings.Cut(image, "@")
			name := path.Base(repository)
			if other, ok := found[name]; ok && other != image {
				return nil, fmt.Errorf("reading images: %q and %q have the same name", other, image)
			}
			found[name] = image
		}
	}
	return found, nil
}
