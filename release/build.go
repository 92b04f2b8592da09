package main

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/release/bundle"
	"github.com/comptech-lab/quay-push/release/image"
	"github.com/comptech-lab/quay-push/release/manifest"
	"github.com/comptech-lab/quay-push/release/plugin"
	"github.com/comptech-lab/quay-push/release/program"
	"github.com/comptech-lab/quay-push/release/provenance"
)

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
	if files[manifest.Tutorial], err = manifest.TutorialFile(r.tree.Dir, images); err != nil {
		return err
	}
	objects, err := bundle.Read(r.tree.Dir, images)
	if err != nil {
		return err
	}
	if files[catalogFile], err = r.catalog(objects); err != nil {
		return err
	}
	if files[olmFile], err = r.olm(files); err != nil {
		return err
	}
	if images["bundle"], err = r.bundle(ctx, objects); err != nil {
		return err
	}
	files["quay.yaml"], files["provenance.json"], files["cosign.pub"] = krew, statement, r.signer.Public
	files["images.txt"] = []byte(strings.Join(slices.Sorted(maps.Values(images)), "\n") + "\n")
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(r.dist, name), content, 0o644); err != nil {
			return err
		}
	}
	return r.attest(ctx, pushed, images["bundle"])
}
