package push

import (
	"crypto/sha256"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// descriptor is what a document says of a manifest, a config or a layer.
type descriptor struct {
	ArtifactType unread          `json:"artifactType"`
	Data         unread          `json:"data"`
	Platform     platform        `json:"platform"`
	MediaType    types.MediaType `json:"mediaType"`
	Size         int64           `json:"size"`
	Digest       v1.Hash         `json:"digest"`
	URLs         []unread        `json:"urls"`
	Annotations  struct {
		RefName string `json:"org.opencontainers.image.ref.name"`
	} `json:"annotations"`
}

// platform is not needed: an index goes with all of its platforms.
type platform struct {
	Architecture unread `json:"architecture"`
	OS           unread `json:"os"`
	OSVersion    unread `json:"os.version"`
	OSFeatures   unread `json:"os.features"`
	Variant      unread `json:"variant"`
	Features     unread `json:"features"`
}

// content is what there is to fetch.
func (d descriptor) content() v1.Descriptor {
	return v1.Descriptor{MediaType: d.MediaType, Size: d.Size, Digest: d.Digest}
}

// contents are what there is to fetch of each.
func contents(named []descriptor) []v1.Descriptor {
	all := make([]v1.Descriptor, len(named))
	for i, d := range named {
		all[i] = d.content()
	}
	return all
}

// check refuses what must not be fetched or cannot be checked.
func (d descriptor) check() error {
	if len(d.URLs) > 0 {
		return foreignLayer(d.content())
	}
	return checkDescriptor(d.content())
}

// checkDescriptor is check for what is left of a descriptor.
func checkDescriptor(d v1.Descriptor) error {
	switch {
	case d.Digest.Algorithm != "sha256" || len(d.Digest.Hex) != sha256.Size*2:
		return refused("digest %q is not sha256, the one that Quay checks", d.Digest)
	case d.Size < 0:
		return corrupt("the descriptor of %q has the size %d", d.Digest, d.Size)
	case !d.MediaType.IsDistributable():
		return foreignLayer(d)
	}
	return nil
}

func foreignLayer(d v1.Descriptor) error {
	return refused("%q is a foreign layer (media type %q), which lies outside the source", d.Digest, d.MediaType)
}
