package overlay

import (
	"fmt"
	"io/fs"
	"path"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

// All lists the overlays of every app of a repository, in the order of the paths, also those of environments and of names that the
// contract does not know. The error is tree's.
func All(tree fs.FS) ([]Overlay, error) {
	dirs, err := fs.Glob(tree, appsDir+"/*/*/overlays/*")
	if err != nil {
		return nil, err
	}
	var found []Overlay
	for _, dir := range dirs {
		info, err := fs.Lstat(tree, dir)
		if err != nil {
			return nil, fmt.Errorf("listing overlays: %w", err)
		}
		if info.Mode().IsRegular() {
			continue // Such as a README.
		}
		app := path.Dir(path.Dir(dir))
		found = append(found, Overlay{Team: path.Base(path.Dir(app)), App: path.Base(app), Env: path.Base(dir)})
	}
	return found, nil
}

// Digests lists the digests, sha256:<64 hex>, in whatever kustomize makes of an overlay: those of its images, and any other. The names of
// team, app and environment need not be the contract's. Where the error is a *Refusal, nobody can say what the overlay would run.
func (o Overlay) Digests(tree fs.FS) ([]string, error) {
	s := newStage(tree)
	if err := s.addRoot(o.Dir()); err != nil {
		return nil, err
	}
	var found []string
	err := s.render(o.Dir(), func(_ []string, i image) { found = append(found, reference.Digests(i.value)...) })
	return found, err
}
