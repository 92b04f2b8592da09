package source

import (
	"context"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/source/choice"
	"github.com/comptech-lab/quay-push/pkg/push/source/document"
)

// Bounds of one image, so that a hostile one cannot fill the memory.
const (
	// maxManifests is how many manifests an image may have, its index and referrers included.
	maxManifests = choice.MaxManifests
	// maxManifestBytes is how many bytes they may have together.
	maxManifestBytes = 8 << 20
	// maxBlobs is how many configs and layers an image may have.
	maxBlobs = 20_000
	// maxReferences is how often its manifests may name a config, a layer or a manifest, the same one again included.
	maxReferences = 2 * maxBlobs
	// maxDepth is how deep an index may nest. Quay shows a child of a tagged index, not the child of that
	// (quay/quay data/model/oci/manifest.py), but stores it.
	maxDepth = 4
)

// Image is all that has to be in the registry, read and checked but for the content of the blobs.
type Image struct {
	// Digest is sha256:<hex> of the manifest or index that is tagged.
	Digest string
	// Manifests are in the order in which they can be put: children first, referrers last.
	Manifests []Manifest
	// Blobs are configs and layers, each once.
	Blobs []v1.Descriptor
}

// Manifest is one manifest or index.
type Manifest struct {
	document.Document
	Descriptor v1.Descriptor
	Body       []byte
}

// Root is the manifest that is tagged.
func (i *Image) Root() Manifest {
	for _, m := range i.Manifests {
		if m.Descriptor.Digest.String() == i.Digest {
			return m
		}
	}
	return Manifest{}
}

// MediaTypes tells those of m and of what it names.
func (m Manifest) MediaTypes() string {
	types := []string{string(m.Descriptor.MediaType)}
	for _, d := range m.Descriptors() {
		types = append(types, string(d.MediaType))
	}
	return failure.Shorten(fmt.Sprintf("%q", types))
}

// holder names the manifest that names a config or layer, with its platform if an index says that, and how many others do, too.
func (i *Image) holder(d v1.Descriptor) string {
	platforms := map[v1.Hash]string{}
	var holders []v1.Hash
	for _, m := range i.Manifests {
		for _, child := range m.Manifests {
			platforms[child.Digest.Hash] = child.Platform.String()
		}
		if slices.ContainsFunc(m.Blobs(), func(blob v1.Descriptor) bool { return blob.Digest == d.Digest }) {
			holders = append(holders, m.Descriptor.Digest)
		}
	}
	if len(holders) == 0 {
		return "the image"
	}
	name := fmt.Sprintf("manifest %q", holders[0])
	if platform := platforms[holders[0]]; platform != "" {
		name += fmt.Sprintf(" (platform %q)", platform)
	}
	if others := len(holders) - 1; others > 0 {
		name += fmt.Sprintf(" and %d more", others)
	}
	return name
}

// About names, in an error of the source, what d is a part of.
func (i *Image) About(d v1.Descriptor, err error) error {
	if !failure.OfSource(err) {
		return err
	}
	return failure.Within(i.holder(d), err)
}

// Bytes is the size of all blobs.
func (i *Image) Bytes() (total int64) {
	for _, d := range i.Blobs {
		total += d.Size
	}
	return total
}

// reader collects an image from a source.
type reader struct {
	source    Source
	image     *Image
	manifests sizes
	blobs     sizes
	// bytes are those of the manifests so far, references what they name.
	bytes      int64
	references int
}

// sizes are the digests seen so far.
type sizes map[v1.Hash]int64

// ReadImage reads the manifests of s and looks for each of their blobs.
func ReadImage(ctx context.Context, s Source) (*Image, error) {
	r := &reader{source: s, image: &Image{Digest: s.root().Digest.String()}, manifests: sizes{}, blobs: sizes{}}
	if err := r.add(ctx, s.root(), 0, ""); err != nil {
		return nil, err
	}
	if err := r.addReferrers(ctx, s.referrers()); err != nil {
		return nil, err
	}
	return r.image, nil
}

// addReferrers reads those of the given manifests whose subject is a part of the image, and their own referrers.
func (r *reader) addReferrers(ctx context.Context, others []choice.Referrer) error {
	for found := true; found; {
		found = false
		for _, other := range others {
			_, known := r.manifests[other.Digest]
			if _, ours := r.manifests[other.Subject]; known || !ours {
				continue
			}
			if err := r.add(ctx, other.Descriptor, 0, ""); err != nil {
				return err
			}
			found = true
		}
	}
	return nil
}

// add reads the manifest d and what is below it. parent is what names d, for errors; empty: nothing does.
func (r *reader) add(ctx context.Context, d v1.Descriptor, depth int, parent string) error {
	if err := ctx.Err(); err != nil {
		return failure.Ended(ctx, err)
	}
	if depth > maxDepth {
		return failure.Refused("index %q is nested more than %d deep", d.Digest, maxDepth).Then("let the build name the images in one index, not in an index of indexes")
	}
	if known, err := r.manifests.add(d); known || err != nil {
		return err
	}
	body, err := readManifest(ctx, r.source, d)
	if err != nil && parent != "" && failure.OfSource(err) {
		return failure.Within(parent, err)
	} else if err != nil {
		return err
	}
	name := fmt.Sprintf("manifest %q", d.Digest)
	doc, err := document.Parse(d.MediaType, body)
	if err != nil {
		return failure.Within(name, err)
	}
	r.bytes += d.Size
	r.references += len(doc.Configs()) + len(doc.Layers) + len(doc.Manifests)
	switch {
	case len(r.image.Manifests) >= maxManifests || r.bytes > maxManifestBytes:
		return failure.Refused("the image has more than %d manifests, or more than %d bytes in them", maxManifests, maxManifestBytes).Then(failure.SmallerIndex)
	case r.references > maxReferences:
		return failure.Refused("the manifests of the image name more than %d configs, layers and manifests", maxReferences).Then(failure.FewerLayers + "; " + failure.SmallerIndex)
	}
	for _, named := range doc.Manifests {
		child := named.Content()
		if err := checkChild(child); err != nil {
			return failure.Within(name, err)
		}
		parent := fmt.Sprintf("index %q", d.Digest)
		if platform := named.Platform.String(); platform != "" {
			parent += fmt.Sprintf(", platform %q", platform)
		}
		if err := r.add(ctx, child, depth+1, parent); err != nil {
			return err
		}
	}
	for _, blob := range doc.Blobs() {
		if err := r.addBlob(ctx, blob); err != nil {
			return failure.Within(name, err)
		}
	}
	r.image.Manifests = append(r.image.Manifests, Manifest{doc, d, body})
	return nil
}

// checkChild refuses what an index names and no registry takes for a manifest.
func checkChild(d v1.Descriptor) error {
	switch {
	case document.IsManifest(d.MediaType):
		return nil
	case d.MediaType.IsLayer() || d.MediaType == "application/vnd.buildkit.cacheconfig.v0":
		return failure.Refused("it is an index of layers (%q of type %q), as BuildKit's cache is", d.Digest, d.MediaType).Then(
			"export the cache with image-manifest=true in --cache-to, which makes it an image, or push the image without it")
	}
	return failure.Refused("it names %q, whose media type %q is not one that Quay takes for a manifest", d.Digest, d.MediaType).Then("let what writes the index name images and indexes alone, and the artifact beside them be a manifest of its own")
}

func (r *reader) addBlob(ctx context.Context, d v1.Descriptor) error {
	if known, err := r.blobs.add(d); known || err != nil {
		return err
	}
	if len(r.image.Blobs) >= maxBlobs {
		return failure.Refused("the image has more than %d blobs", maxBlobs).Then(failure.FewerLayers + "; " + failure.SmallerIndex)
	}
	if err := r.source.check(ctx, d); err != nil {
		return err
	}
	r.image.Blobs = append(r.image.Blobs, d)
	return nil
}

// add reports whether d was there before, and refuses two sizes for one digest.
func (s sizes) add(d v1.Descriptor) (known bool, err error) {
	size, known := s[d.Digest]
	if known && size != d.Size {
		return false, failure.Corrupt("%q is listed with two sizes, %d and %d bytes", d.Digest, size, d.Size)
	}
	s[d.Digest] = d.Size
	return known, nil
}
