// Package manifest makes the files that kubectl applies: those of config/ and tekton/, with images by digest.
package manifest

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const (
	// Release is the file that everybody applies.
	Release = "release.yaml"
	// taskNamespace is where the controller, and the cluster resolver, look for the Tasks (pkg/config: the default of task-namespace).
	taskNamespace = "openshift-pipelines"
)

var imagePattern = regexp.MustCompile(`ko://[^\s"']+`)

// Files returns the manifests below root by the names of their files. Release has the Tasks and then those of config/ itself, in the order
// of docs/upgrade.md; each other directory below config/ and tekton/ has a file of its name. Images has the reference of each, by digest, by the import path of its program: what
// is ko://<import path> becomes that. The error names what no image has.
func Files(root string, images map[string]string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, parent := range []string{"tekton", "config"} {
		err := filepath.WalkDir(filepath.Join(root, parent), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".yaml" {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			inside, err := filepath.Rel(filepath.Join(root, parent), path)
			if err != nil {
				return err
			}
			name := Release
			if directory, _, below := strings.Cut(filepath.ToSlash(inside), "/"); below && directory != "task" {
				name = directory + ".yaml"
			} else if below {
				content, err = into(taskNamespace, content)
			}
			if err == nil {
				content, err = resolve(content, images)
			}
			if err != nil {
				return fmt.Errorf("reading %q: %w", path, err)
			}
			files[name] = append(files[name], document(content)...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// resolve puts the images into a manifest.
func resolve(content []byte, images map[string]string) ([]byte, error) {
	var err error
	resolved := imagePattern.ReplaceAllFunc(content, func(found []byte) []byte {
		image, ok := images[strings.TrimPrefix(string(found), "ko://")]
		if !ok {
			err = fmt.Errorf("%q is no image of ko.yaml", found)
		}
		return []byte(image)
	})
	return resolved, err
}

// into puts an object into a namespace.
func into(namespace string, content []byte) ([]byte, error) {
	object, err := yaml.Parse(string(content))
	if err != nil {
		return nil, err
	}
	if err := object.SetNamespace(namespace); err != nil {
		return nil, err
	}
	text, err := object.String()
	return []byte(text), err
}

// document is a manifest that others can follow in the same file.
func document(content []byte) []byte {
	content = bytes.TrimPrefix(bytes.TrimSpace(content), []byte("---\n"))
	return fmt.Appendf(nil, "---\n%s\n", content)
}
