package source

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/source/choice"
	"github.com/comptech-lab/quay-push/pkg/push/source/document"
	"github.com/comptech-lab/quay-push/pkg/push/source/files"
	"github.com/comptech-lab/quay-push/pkg/push/source/scratch"
	"github.com/comptech-lab/quay-push/pkg/push/strict"
)

// savedImages is the file by which docker save names the images in its archive (moby image/spec/v1.2.md, "Combined Image
// JSON + Filesystem Changeset Format").
const savedImages = "manifest.json"

// maxSavedLayers is how many layers an image in a docker-archive may have: overlayfs stacks no more.
const maxSavedLayers = 500

// savedImage is one image of a docker-archive.
type savedImage struct {
	// Config and Layers are names in the archive.
	Config   string
	Layers   []string
	RepoTags []string
}

// dockerArchive is an image as docker save and buildah write it, made into an OCI image: the config as it is, layers that
// are not compressed compressed once.
type dockerArchive struct {
	archive *files.Archive
	image   v1.Descriptor
	// contents are the config, the layers and the manifest by their digests.
	contents map[v1.Hash]*io.SectionReader
	scratch  []*scratch.File
}

// openDockerArchive opens the tar file that name is the path of, with an optional :REF behind it that is a name of one of
// its images.
func openDockerArchive(ctx context.Context, o Options, name string) (Source, error) {
	path, ref := files.SplitRef(name)
	a, err := files.OpenArchive(ctx, path)
	if err != nil {
		return nil, err
	}
	if !a.Has(savedImages) && a.Has("oci-layout") {
		a.Close()
		return nil, failure.Missing(nil, "%q has no %q: it is an OCI layout", path, savedImages).Then("name it as oci-archive:FILE in " + failure.SourceFlag)
	}
	return newDockerArchive(ctx, o, a, ref)
}

// newDockerArchive makes the image. It closes a when it fails.
func newDockerArchive(ctx context.Context, o Options, a *files.Archive, ref string) (Source, error) {
	d := &dockerArchive{archive: a, contents: map[v1.Hash]*io.SectionReader{}}
	saved, err := d.pick(ref)
	if err == nil {
		err = d.convert(ctx, o, saved)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// pick is the image that ref names, or the only one.
func (d *dockerArchive) pick(ref string) (savedImage, error) {
	file := d.archive.Path(savedImages)
	body, err := readSmall(d.archive, savedImages)
	if err != nil {
		return savedImage{}, err
	}
	var entries []strict.Later
	if err := strict.Decode(body, &entries, fmt.Sprintf("%q is not a list of images", file)); err != nil {
		return savedImage{}, err
	}
	picked, err := choice.Parse(ref)
	if err != nil {
		return savedImage{}, err
	}
	picked.Text = canonical(ref)[0]
	const place = ":@N for its place in the list from 0"
	const howToChoose = "name one with :REF behind the path in " + failure.SourceFlag + ": one of its RepoTags, or " + place
	var images []savedImage
	var here, all choice.Offers
	var broken error
	for at, entry := range entries {
		var i savedImage
		if err := strict.Decode(entry, &i, fmt.Sprintf("%q is not a list of images: its entry %d", file, at)); err != nil && (ref == "" || picked.Place == at) {
			return savedImage{}, err
		} else if err != nil {
			broken = cmp.Or(broken, err)
			continue
		}
		o := choice.Offer{Place: at, Names: i.RepoTags, Image: i.Config + "\x00" + strings.Join(i.Layers, "\x00"), Digest: func() string { return d.id(i) }}
		all = append(all, o)
		if !picked.Picks(at, v1.Hash{}, canonical(i.RepoTags...)...) || len(images) > 0 && images[0].same(i) {
			continue
		}
		if ref != "" {
			o.Names = []string{ref}
		}
		here = append(here, o)
		images = append(images, i)
	}
	switch {
	case len(images) == 0 && broken != nil:
		// It may be the one that is meant.
		return savedImage{}, broken
	case len(images) == 0 && ref != "":
		return savedImage{}, failure.Missing(nil, "%q has no image named %q: it has %s", file, ref, all).Then(howToChoose)
	case len(images) == 0:
		return savedImage{}, failure.Missing(nil, "%q has no image", file).Then("let the build save its image into the file")
	case len(images) > 1 && ref != "":
		return savedImage{}, failure.Refused("%q has %d images named %q: %s", file, len(images), ref, here).Then("name one with :REF behind the path in " + failure.SourceFlag + ": " + place)
	case len(images) > 1:
		return savedImage{}, failure.Refused("%q has %d images: %s", file, len(images), here).Then(howToChoose)
	case len(images[0].Layers) > maxSavedLayers:
		return savedImage{}, failure.Refused("%q names %d layers, at most %d are taken", file, len(images[0].Layers), maxSavedLayers).Then(failure.FewerLayers)
	}
	if images[0].Config == "" {
		return savedImage{}, failure.Corrupt("%q names no config of the image", file)
	}
	return images[0], nil
}

// id is the image's in Docker, the digest of its config; without a config that can be read it is the config's name.
func (d *dockerArchive) id(i savedImage) string {
	name, err := d.archive.Follow(i.Config)
	if err != nil {
		return i.Config
	}
	config, err := readSmall(d.archive, name)
	if err != nil {
		return i.Config
	}
	return document.DigestOf(config)
}

// same reports whether the other entry is of the same image.
func (i savedImage) same(other savedImage) bool {
	return i.Config == other.Config && slices.Equal(i.Layers, other.Layers)
}

// canonical are names with the registry and the tag that Docker leaves out; one that is none stays as it is.
func canonical(names ...string) []string {
	all := slices.Clone(names)
	for i, text := range all {
		if tag, err := name.NewTag(text, name.WeakValidation); err == nil {
			all[i] = tag.Name()
		}
	}
	return all
}

// convert makes the manifest, and the layers as it names them.
func (d *dockerArchive) convert(ctx context.Context, o Options, saved savedImage) error {
	name, err := d.archive.Follow(saved.Config)
	if err != nil {
		return err
	}
	config, err := readSmall(d.archive, name)
	if err != nil {
		return err
	}
	var parsed document.ImageConfig
	if err := strict.Decode(config, &parsed, fmt.Sprintf("%q is not an image config", d.archive.Path(name))); err != nil {
		return err
	}
	if n := len(parsed.RootFS.DiffIDs); n != len(saved.Layers) {
		return failure.Corrupt("the config %q has %d diff_ids, the image %d layers", d.archive.Path(name), n, len(saved.Layers))
	}
	manifest := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: d.keep(types.OCIConfigJSON, config)}
	if manifest.Layers, err = d.layers(ctx, o, saved.Layers, parsed.RootFS.DiffIDs); err != nil {
		return err
	}
	body, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	d.image = d.keep(manifest.MediaType, body)
	return nil
}

func (d *dockerArchive) root() v1.Descriptor          { return d.image }
func (d *dockerArchive) referrers() []choice.Referrer { return nil }

// check has nothing to do: what the manifest names was read to make it.
func (d *dockerArchive) check(context.Context, v1.Descriptor) error { return nil }

func (d *dockerArchive) open(_ context.Context, of v1.Descriptor) (io.ReadCloser, error) {
	content, ok := d.contents[of.Digest]
	if !ok {
		return nil, failure.Missing(nil, "%q is not a part of the image", of.Digest)
	}
	return io.NopCloser(io.NewSectionReader(content, 0, content.Size())), nil
}

func (d *dockerArchive) Close() error {
	err := d.archive.Close()
	for _, s := range d.scratch {
		err = errors.Join(err, s.Close())
	}
	return err
}
