package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/comptech-lab/quay-push/release/cosign"
	"github.com/comptech-lab/quay-push/release/image"
	"github.com/comptech-lab/quay-push/release/manifest"
	"github.com/comptech-lab/quay-push/release/plugin"
	"github.com/comptech-lab/quay-push/release/program"
	"github.com/comptech-lab/quay-push/release/provenance"
	"github.com/comptech-lab/quay-push/release/source"
)

const module = "github.com/comptech-lab/quay-push"

// allPlatforms are those that people use tkn quay on.
var allPlatforms = []string{"darwin/amd64", "darwin/arm64", "linux/amd64", "linux/arm64", "windows/amd64", "windows/arm64"}

// release is one that is to be made, and then what is made of it.
type release struct {
	version, registry, key, base, url, out string
	// platforms are os/arch; none are all.
	platforms []string
	// say tells the person what is being done.
	say func(format string, args ...any)

	// scratch is a directory for what is not given out, and dist what will be out.
	scratch, dist string
	tree          source.Tree
	signer        cosign.Signer
}

// check says what of the release is not given, or cannot be.
func (r *release) check() error {
	linux := func(platform string) bool { return strings.HasPrefix(platform, "linux/") }
	switch {
	// An image's tag cannot have build metadata.
	case r.version == "" || semver.Canonical(r.version) != r.version:
		return fmt.Errorf("VERSION is %q, and has to be like v0.2.0 or v0.2.0-rc.1", r.version)
	case r.registry == "":
		return errors.New("REGISTRY is empty, and has to be the host/organization that the images go to")
	case r.key == "":
		return errors.New("KEY is empty, and has to be the file with cosign's private key")
	case r.platforms != nil && !slices.ContainsFunc(r.platforms, linux):
		return fmt.Errorf("PLATFORMS is %q, and has to have one of linux, for the images", strings.Join(r.platforms, ","))
	}
	return nil
}

// run makes the directory out, whole or not at all. Images are in the registry before.
func (r *release) run(ctx context.Context) (err error) {
	if r.out, err = filepath.Abs(r.out); err != nil {
		return err
	}
	if _, err := os.Lstat(r.out); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%q is there already: move it away", r.out)
	}
	if r.scratch, err = os.MkdirTemp("", "quay-push-release-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.scratch)
	if r.tree, err = source.Clone(ctx, ".", filepath.Join(r.scratch, "source"), r.version); err != nil {
		return err
	}
	if r.signer, err = cosign.New(ctx, r.key, r.scratch); err != nil {
		return err
	}
	// Beside out, so that it can be renamed.
	if r.dist, err = os.MkdirTemp(filepath.Dir(r.out), ".dist-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.dist)
	for _, step := range []func(context.Context) error{r.programs, r.sign} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := os.Chmod(r.dist, 0o755); err != nil {
		return err
	}
	r.say("%s is in %s", r.version, r.out)
	return os.Rename(r.dist, r.out)
}

// programs makes archives, images and manifests.
func (r *release) programs(ctx context.Context) error {
	config, err := image.ReadConfig(r.tree.Dir)
	if err != nil {
		return err
	}
	if r.base != "" {
		config.Base = r.base
	}
	given := config.Base
	if config.Base, err = image.Pin(ctx, given); err != nil {
		return err
	}
	r.say("base image %s is %s", given, config.Base)
	if len(r.platforms) > 0 {
		config.Platforms = slices.DeleteFunc(slices.Clone(r.platforms), func(p string) bool { return !strings.HasPrefix(p, "linux/") })
	} else {
		r.platforms = allPlatforms
	}
	r.say("building tkn-quay of commit %s for %s", r.tree.Commit, strings.Join(r.platforms, ", "))
	archives, compiler, err := plugin.Maker{Tree: r.tree, Version: r.version, Scratch: r.scratch, Out: r.dist}.Run(ctx, r.platforms)
	if err != nil {
		return err
	}
	krew, err := plugin.Krew(r.version, provenance.Repository, r.url, archives)
	if err != nil {
		return err
	}
	r.say("building images for %s, and pushing them to %s", strings.Join(config.Platforms, ", "), r.registry)
	pushed, err := image.Build{Config: config, Tree: r.tree, Registry: r.registry, Version: r.version, SBOMs: r.dist}.Run(ctx)
	if err != nil {
		return err
	}
	ko, err := program.Program{Name: "ko"}.Run(ctx, "version")
	if err != nil {
		return err
	}
	statement, err := provenance.Release{Version: r.version, Commit: r.tree.Commit, Registry: r.registry, Base: config.Base, Platforms: config.Platforms,
		Tools: map[string]string{"go": compiler, "ko": ko}}.Predicate()
	if err != nil {
		return err
	}
	images := map[string]string{}
	for path, reference := range pushed.Images {
		images[module+"/"+path] = reference
	}
	files, err := manifest.Files(r.tree.Dir, images)
	if err != nil {
		return err
	}
	files["quay.yaml"], files["provenance.json"], files["cosign.pub"] = krew, statement, r.signer.Public
	files["images.txt"] = []byte(strings.Join(slices.Sorted(maps.Values(images)), "\n") + "\n")
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(r.dist, name), content, 0o644); err != nil {
			return err
		}
	}
	return r.attest(ctx, pushed)
}

// attest signs every image, those of the platforms and the indexes over them, and what is known of each.
func (r *release) attest(ctx context.Context, pushed image.Pushed) error {
	for _, reference := range slices.Sorted(maps.Keys(pushed.SBOMs)) {
		r.say("signing %s", reference)
		if err := errors.Join(
			r.signer.Image(ctx, reference),
			r.signer.Attest(ctx, reference, "spdxjson", pushed.SBOMs[reference]),
			r.signer.Attest(ctx, reference, "slsaprovenance1", filepath.Join(r.dist, "provenance.json")),
		); err != nil {
			return err
		}
	}
	return nil
}

// sign leaves checksums of all files, and signatures of what people apply and run, and of the checksums.
func (r *release) sign(ctx context.Context) error {
	entries, err := os.ReadDir(r.dist)
	if err != nil {
		return err
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	sums, err := checksums(r.dist, names)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.dist, checksumFile), sums, 0o644); err != nil {
		return err
	}
	for _, name := range append(names, checksumFile) {
		if name == checksumFile || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".tar.gz") {
			if err := r.signer.File(ctx, filepath.Join(r.dist, name)); err != nil {
				return err
			}
		}
	}
	return nil
}
