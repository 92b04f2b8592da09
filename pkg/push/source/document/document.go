// Package document is what an image says of itself: manifests, indexes and configs, as strangers write them.
package document

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/strict"
)

// Document is a manifest or an index; which of the two the media type says. Its fields are those of the OCI image spec v1.1,
// needed or not: none of them may come a second time in another case.
type Document struct {
	ArtifactType  strict.Unread   `json:"artifactType"`
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	Config        *Descriptor     `json:"config"`
	Layers        []Descriptor    `json:"layers"`
	Manifests     []Descriptor    `json:"manifests"`
	Subject       *Descriptor     `json:"subject"`
	Annotations   struct {
		ExpiresAfter string `json:"quay.expires-after"`
		// BaseName is the reference of the image that this one is based on (OCI image spec v1.1, annotations.md).
		BaseName strict.Lenient[string] `json:"org.opencontainers.image.base.name"`
	} `json:"annotations"`
}

// Parse reads a manifest of the given media type. What two readers could take differently is refused.
func Parse(mediaType types.MediaType, body []byte) (Document, error) {
	var doc Document
	if err := strict.Decode(body, &doc, "not a manifest"); err != nil {
		return Document{}, err
	}
	switch {
	case doc.SchemaVersion != 2:
		return Document{}, failure.Refused("schemaVersion is %d, not 2", doc.SchemaVersion).Then(
			"write the image in a format of today, such as with skopeo copy --format oci SOURCE oci:DIRECTORY, and push that")
	case doc.MediaType != "" && doc.MediaType != mediaType:
		return Document{}, failure.Refused("the manifest says it is %q, its descriptor %q", doc.MediaType, mediaType)
	case mediaType.IsIndex() && (doc.Config != nil || doc.Layers != nil):
		return Document{}, failure.Refused("an index has a config or layers")
	case mediaType.IsImage() && doc.Manifests != nil:
		return Document{}, failure.Refused("an image manifest has manifests")
	case mediaType.IsImage() && doc.Config == nil:
		return Document{}, failure.Corrupt("the manifest has no config")
	case doc.Subject != nil && doc.Subject.Digest.Hash == v1.Hash{}:
		return Document{}, failure.Corrupt("not a manifest: the digest %q of its subject is malformed", doc.Subject.Digest.Text)
	case !IsManifest(mediaType):
		return Document{}, failure.Refused("media type %q is not one that Quay takes for a manifest", mediaType)
	}
	for _, d := range slices.Concat(doc.Configs(), doc.Layers, doc.Manifests) {
		if err := d.Check(); err != nil {
			return Document{}, err
		}
	}
	for _, layer := range doc.Layers {
		if mediaType == types.DockerManifestSchema2 && layer.MediaType == types.OCILayerZStd {
			return Document{}, failure.Refused("layer %q is zstd in a Docker manifest, which no registry defines", layer.Digest)
		}
	}
	return doc, nil
}

// IsManifest reports whether t is the type of a manifest or an index.
func IsManifest(t types.MediaType) bool { return t.IsIndex() || t.IsImage() }

// Outline is what tells manifests from each other. Reading it takes less memory than reading a document.
type Outline struct {
	MediaType types.MediaType `json:"mediaType"`
	Config    *strict.Unread  `json:"config"`
	Manifests *strict.Unread  `json:"manifests"`
	Subject   *Descriptor     `json:"subject"`
}

// Guess is the media type of a manifest for which nobody gave one: what it says itself, else that of its fields.
func (o Outline) Guess() types.MediaType {
	switch {
	case o.MediaType == "" && o.Manifests != nil:
		return types.OCIImageIndex
	case o.MediaType == "" && o.Config != nil:
		return types.OCIManifestSchema1
	}
	return o.MediaType
}

// GuessMediaType is the guess for a manifest; "" for what is none.
func GuessMediaType(body []byte) types.MediaType {
	var o Outline
	if strict.Decode(body, &o, "not a manifest") != nil {
		return ""
	}
	return o.Guess()
}

// Descriptors are all that the document names, but for the subject.
func (d Document) Descriptors() []v1.Descriptor {
	return contents(slices.Concat(d.Configs(), d.Layers, d.Manifests))
}

// Blobs are the config and the layers.
func (d Document) Blobs() []v1.Descriptor { return contents(slices.Concat(d.Configs(), d.Layers)) }

// Configs are the config, or nothing.
func (d Document) Configs() []Descriptor {
	if d.Config == nil {
		return nil
	}
	return []Descriptor{*d.Config}
}

// DigestOf is sha256:<hex> of body.
func DigestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}
