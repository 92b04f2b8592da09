package push

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/strict"
)

// document is a manifest or an index; which of the two the media type says. Its fields are those of the OCI image spec v1.1,
// needed or not: none of them may come a second time in another case.
type document struct {
	ArtifactType  strict.Unread   `json:"artifactType"`
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	Config        *descriptor     `json:"config"`
	Layers        []descriptor    `json:"layers"`
	Manifests     []descriptor    `json:"manifests"`
	Subject       *descriptor     `json:"subject"`
	Annotations   struct {
		ExpiresAfter string `json:"quay.expires-after"`
	} `json:"annotations"`
}

// parseDocument reads a manifest of the given media type. What two readers could take differently is refused.
func parseDocument(mediaType types.MediaType, body []byte) (document, error) {
	var doc document
	if err := strict.Decode(body, &doc, "not a manifest"); err != nil {
		return document{}, err
	}
	switch {
	case doc.SchemaVersion != 2:
		return document{}, failure.Refused("schemaVersion is %d, not 2", doc.SchemaVersion).Then(
			"write the image in a format of today, such as with skopeo copy --format oci SOURCE oci:DIRECTORY, and push that")
	case doc.MediaType != "" && doc.MediaType != mediaType:
		return document{}, failure.Refused("the manifest says it is %q, its descriptor %q", doc.MediaType, mediaType)
	case mediaType.IsIndex() && (doc.Config != nil || doc.Layers != nil):
		return document{}, failure.Refused("an index has a config or layers")
	case mediaType.IsImage() && doc.Manifests != nil:
		return document{}, failure.Refused("an image manifest has manifests")
	case mediaType.IsImage() && doc.Config == nil:
		return document{}, failure.Corrupt("the manifest has no config")
	case doc.Subject != nil && doc.Subject.Digest.Hash == v1.Hash{}:
		return document{}, failure.Corrupt("not a manifest: the digest %q of its subject is malformed", doc.Subject.Digest.text)
	case !isManifest(mediaType):
		return document{}, failure.Refused("media type %q is not one that Quay takes for a manifest", mediaType)
	}
	for _, d := range slices.Concat(doc.configs(), doc.Layers, doc.Manifests) {
		if err := d.check(); err != nil {
			return document{}, err
		}
	}
	for _, layer := range doc.Layers {
		if mediaType == types.DockerManifestSchema2 && layer.MediaType == types.OCILayerZStd {
			return document{}, failure.Refused("layer %q is zstd in a Docker manifest, which no registry defines", layer.Digest)
		}
	}
	return doc, nil
}

// isManifest reports whether t is the type of a manifest or an index.
func isManifest(t types.MediaType) bool { return t.IsIndex() || t.IsImage() }

// outline is what tells manifests from each other. Reading it takes less memory than reading a document.
type outline struct {
	MediaType types.MediaType `json:"mediaType"`
	Config    *strict.Unread  `json:"config"`
	Manifests *strict.Unread  `json:"manifests"`
	Subject   *descriptor     `json:"subject"`
}

// guess is the media type of a manifest for which nobody gave one: what it says itself, else that of its fields.
func (o outline) guess() types.MediaType {
	switch {
	case o.MediaType == "" && o.Manifests != nil:
		return types.OCIImageIndex
	case o.MediaType == "" && o.Config != nil:
		return types.OCIManifestSchema1
	}
	return o.MediaType
}

// guessMediaType is the guess for a manifest; "" for what is none.
func guessMediaType(body []byte) types.MediaType {
	var o outline
	if strict.Decode(body, &o, "not a manifest") != nil {
		return ""
	}
	return o.guess()
}

// descriptors are all that the document names, but for the subject.
func (d document) descriptors() []v1.Descriptor {
	return contents(slices.Concat(d.configs(), d.Layers, d.Manifests))
}

// blobs are the config and the layers.
func (d document) blobs() []v1.Descriptor { return contents(slices.Concat(d.configs(), d.Layers)) }

// configs are the config, or nothing.
func (d document) configs() []descriptor {
	if d.Config == nil {
		return nil
	}
	return []descriptor{*d.Config}
}

// digestOf is sha256:<hex> of body.
func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}
