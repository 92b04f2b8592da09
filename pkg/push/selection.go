package push

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// refName is the annotation by which an index.json names its images (OCI image spec v1.1, annotations.md).
const refName = "org.opencontainers.image.ref.name"

// selection is what an index.json offers to push.
type selection struct {
	image  v1.Descriptor
	others []v1.Descriptor
}

func (s *selection) root() v1.Descriptor        { return s.image }
func (s *selection) referrers() []v1.Descriptor { return s.others }

// selectImage picks the image that ref names in an index.json, or the only one. Manifests with a subject are referrers,
// not images: those of the image go with it. from is the file, for errors.
func selectImage(index []byte, ref, from string, read func(v1.Descriptor) ([]byte, error)) (*selection, error) {
	var doc document
	if err := decode(index, &doc, fmt.Sprintf("%q is not an index", from)); err != nil {
		return nil, err
	}
	if len(doc.Manifests) > maxManifests {
		return nil, refused("%q names %d manifests, at most %d are taken", from, len(doc.Manifests), maxManifests)
	}
	var images []v1.Descriptor
	chosen := &selection{}
	seen := map[v1.Hash]bool{}
	for _, entry := range doc.Manifests {
		d := entry.content()
		if err := entry.check(); err != nil {
			return nil, err
		}
		if ref != "" && entry.Annotations.RefName == ref {
			images = append(images, d)
			continue
		}
		if seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		body, err := read(d)
		if err != nil {
			return nil, err
		}
		doc, err := parseDocument(d.MediaType, body)
		if err != nil {
			return nil, err
		}
		switch {
		case doc.Subject != nil:
			chosen.others = append(chosen.others, d)
		case ref == "":
			images = append(images, d)
		}
	}
	switch {
	case len(images) == 0 && ref != "":
		return nil, missing(nil, "%q has no image named %q", from, ref)
	case len(images) == 0:
		return nil, missing(nil, "%q has no image", from)
	case len(images) > 1:
		return nil, refused("%q has %d images: name one with :REF behind the path, by its annotation %s", from, len(images), refName)
	}
	chosen.image = images[0]
	return chosen, nil
}
