// Package artifacthub lays out the Tasks and StepActions of tekton/ as Artifact Hub reads its kinds Tekton task and Tekton StepAction: with
// versions by directory. It reads them from Git, so what is written goes onto a branch, and there each kind is added as a repository of its
// own, by the URL of its directory. It would list tekton/ itself, too, with images ko://… that nobody can pull.
package artifacthub

import (
	"embed"
	"errors"
	"fmt"
	"path"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/release/bundle"
)

// samples has one file for each object, <kind in lower case>/<name>.yaml. They are not in tekton/, which is applied as a whole.
//
//go:embed sample
var samples embed.FS

// Catalog is what Artifact Hub is to be told that tekton/ does not say.
type Catalog struct {
	// Root is the top directory of the repository, whose READMEs are taken.
	Root string
	// Source is where people read the files of that directory, as a URL without a slash at its end, such as
	// https://github.com/comptech-lab/quay-push/blob/v1.0.0: links within the repository become links to there.
	Source string
	// IDs are what Artifact Hub calls its repositories, by kind in lower case: a UUID that its page shows once the repository is added, and by
	// which its publisher is known to be this one. Without one that is not known.
	IDs map[string]string
	// Owners are who may claim the repositories.
	Owners []Owner
}

// Owner is a user of Artifact Hub.
type Owner struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Files returns the files of the catalog by their paths. Each Task and StepAction of objects has the directory <kind>/<name>/<version> with
// its manifest, its README and a sample, and each kind the file artifacthub-repo.yml that Artifact Hub looks for beside the packages. Pipelines
// are left out: they have no version. An error has the file that it is about.
func (c Catalog) Files(objects []bundle.Object) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, object := range objects {
		kind := strings.ToLower(object.Kind)
		if kind == "pipeline" {
			continue
		}
		err := c.add(files, kind, object)
		if err == nil {
			files[kind+"/artifacthub-repo.yml"], err = c.metadata(kind)
		}
		if err != nil {
			return nil, fmt.Errorf("making the package of %q: %w", object.File, err)
		}
	}
	return files, nil
}

// add adds the files of one package.
func (c Catalog) add(files map[string][]byte, kind string, object bundle.Object) error {
	if object.Version == "" {
		return errors.New("it has no label app.kubernetes.io/version")
	}
	sample, err := samples.ReadFile(path.Join("sample", kind, object.Name+".yaml"))
	if err != nil {
		return err
	}
	readme, err := c.readme(object)
	if err != nil {
		return err
	}
	dir := path.Join(kind, object.Name, object.Version)
	files[path.Join(dir, object.Name+".yaml")] = object.Content
	files[path.Join(dir, "README.md")] = readme
	files[path.Join(dir, "samples", object.Name+".yaml")] = sample
	return nil
}

// metadata is what docs/metadata/artifacthub-repo.yml of artifacthub/hub describes.
func (c Catalog) metadata(kind string) ([]byte, error) {
	owners := c.Owners
	if owners == nil {
		owners = []Owner{} // A file without a key is refused.
	}
	return yaml.Marshal(struct {
		RepositoryID string  `json:"repositoryID,omitempty"`
		Owners       []Owner `json:"owners"`
	}{c.IDs[kind], owners})
}
