// Package image has ko build the images of a release, and tells by which digests they are in the registry.
package image

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/comptech-lab/quay-push/release/program"
	"github.com/comptech-lab/quay-push/release/source"
)

// Build is what is built.
type Build struct {
	Config Config
	Tree   source.Tree
	// Registry is host/organization, Version the tag beside the digest.
	Registry, Version string
	// SBOMs is the directory in which the bills of materials are left.
	SBOMs string
}

// Pushed is what became of it. References are <registry>/<program>@sha256:<hex>.
type Pushed struct {
	// Images has what to run of each program, by its directory below the module, cmd/<name>.
	Images map[string]string
	// SBOMs has the file with the SPDX document of each image, those of the platforms and the indexes over them alike.
	SBOMs map[string]string
}

// Run has ko build and push all images. They are the same for the same tree, base and Go.
func (b Build) Run(ctx context.Context) (Pushed, error) {
	list := filepath.Join(b.SBOMs, "refs")
	defer os.Remove(list)
	env := append(b.Tree.Environment(), "KO_CONFIG_PATH=", "KO_DOCKER_REPO="+b.Registry, "KO_DEFAULTBASEIMAGE="+b.Config.Base)
	ko := program.Program{Name: "ko", Dir: b.Tree.Dir, Env: env}
	args := []string{"build", "--base-import-paths", "--tags", b.Version, "--platform", strings.Join(b.Config.Platforms, ","),
		"--sbom", "spdx", "--sbom-dir", b.SBOMs, "--image-refs", list}
	mains := map[string]string{}
	for _, build := range b.Config.Builds {
		args, mains[path.Base(build.Main)] = append(args, build.Main), path.Clean(build.Main)
	}
	printed, err := ko.Run(ctx, args...)
	if err != nil {
		return Pushed{}, err
	}
	all, err := os.ReadFile(list)
	if err != nil {
		return Pushed{}, fmt.Errorf("reading what ko pushed: %w", err)
	}
	images := map[string]string{}
	for _, line := range strings.Fields(printed) {
		ref, err := byDigest(line)
		if err != nil {
			return Pushed{}, err
		}
		images[mains[path.Base(ref.Context().RepositoryStr())]] = ref.String()
	}
	if len(images) != len(mains) {
		return Pushed{}, fmt.Errorf("ko pushed %v, and ko.yaml has %v", images, mains)
	}
	sboms, err := documents(b.SBOMs, strings.Fields(string(all)))
	return Pushed{images, sboms}, err
}

// byDigest is a reference without its tag.
func byDigest(reference string) (name.Digest, error) {
	ref, err := name.NewDigest(reference)
	if err != nil {
		return name.Digest{}, fmt.Errorf("reading the image %q: %w", reference, err)
	}
	return ref.Context().Digest(ref.DigestStr()), nil
}

// documents returns the SPDX document in dir of each image. The first package of a document is the image, and has its digest for a name.
func documents(dir string, references []string) (map[string]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.spdx.json"))
	if err != nil {
		return nil, err
	}
	about := map[string]string{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var document struct{ Packages []struct{ Name string } }
		if err := json.Unmarshal(data, &document); err != nil || len(document.Packages) == 0 {
			return nil, fmt.Errorf("reading the SBOM %q: it has %d packages, %v", path, len(document.Packages), err)
		}
		about[document.Packages[0].Name] = path
	}
	found := map[string]string{}
	for _, reference := range references {
		ref, err := byDigest(reference)
		if err != nil {
			return nil, err
		}
		if about[ref.DigestStr()] == "" {
			return nil, fmt.Errorf("ko left no SBOM of %q", reference)
		}
		found[ref.String()] = about[ref.DigestStr()]
	}
	return found, nil
}
