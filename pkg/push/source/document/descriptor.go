package document

import (
	"crypto/sha256"
	"encoding/json"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/strict"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Descriptor is what a document says of a manifest, a config or a layer.
type Descriptor struct {
	ArtifactType strict.Unread   `json:"artifactType"`
	Data         strict.Unread   `json:"data"`
	Platform     platform        `json:"platform"`
	MediaType    types.MediaType `json:"mediaType"`
	Size         int64           `json:"size"`
	Digest       Digest          `json:"digest"`
	URLs         []strict.Unread `json:"urls"`
	Annotations  struct {
		RefName string `json:"org.opencontainers.image.ref.name"`
	} `json:"annotations"`
}

// Digest is a digest in a document. One that is malformed, or of an algorithm that nobody here knows, matters only where it is
// used: then text is what the document says, bounded.
type Digest struct {
	v1.Hash
	Text string
}

// UnmarshalJSON reads a string.
func (d *Digest) UnmarshalJSON(data []byte) error {
	var text string
	err := json.Unmarshal(data, &text)
	if err != nil {
		return err
	}
	if d.Hash, err = v1.NewHash(text); err != nil {
		d.Text = failure.Shorten(text)
	}
	return nil
}

// Written is the digest as the document has it.
func (d Digest) Written() string {
	if d.Text != "" {
		return d.Text
	}
	return d.String()
}

// platform is told in errors alone: an index goes with all of its platforms.
type platform struct {
	Architecture strict.Lenient[string] `json:"architecture"`
	OS           strict.Lenient[string] `json:"os"`
	OSVersion    strict.Unread          `json:"os.version"`
	OSFeatures   strict.Unread          `json:"os.features"`
	Variant      strict.Lenient[string] `json:"variant"`
	Features     strict.Unread          `json:"features"`
}

// String is os/architecture/variant, as docker writes it, bounded; "" if the index does not say.
func (p platform) String() string {
	text := p.OS.Value + "/" + p.Architecture.Value
	if p.Variant.Value != "" {
		text += "/" + p.Variant.Value
	}
	return shown.Line(shown.Cut(strings.Trim(text, "/"), 60))
}

// Content is what there is to fetch.
func (d Descriptor) Content() v1.Descriptor {
	return v1.Descriptor{MediaType: d.MediaType, Size: d.Size, Digest: d.Digest.Hash}
}

// contents are what there is to fetch of each.
func contents(named []Descriptor) []v1.Descriptor {
	all := make([]v1.Descriptor, len(named))
	for i, d := range named {
		all[i] = d.Content()
	}
	return all
}

// Check refuses what cannot be fetched or checked.
func (d Descriptor) Check() error {
	switch text := d.Digest.Text; {
	case OtherAlgorithm.MatchString(text):
		return otherDigest(text)
	case text != "" || d.Digest.Hash == v1.Hash{}:
		return failure.Corrupt("not a manifest: the digest %q in it is malformed", text)
	case len(d.URLs) > 0:
		return foreignLayer(d.Content())
	}
	return CheckDescriptor(d.Content())
}

// OtherAlgorithm is the grammar of a digest (OCI image spec v1.1, descriptor.md), of whatever algorithm.
var OtherAlgorithm = regexp.MustCompile(`^[a-z0-9]+([+._-][a-z0-9]+)*:[0-9a-f]{32,}$`)

// CheckDescriptor is check for what is left of a descriptor.
func CheckDescriptor(d v1.Descriptor) error {
	switch {
	case d.Digest.Algorithm != "sha256" || len(d.Digest.Hex) != sha256.Size*2:
		return otherDigest(d.Digest.String())
	case d.Size < 0:
		return failure.Corrupt("the descriptor of %q has the size %d", d.Digest, d.Size)
	case !d.MediaType.IsDistributable():
		return foreignLayer(d)
	}
	return nil
}

func otherDigest(text string) error {
	return failure.Refused("digest %q is not sha256, the one algorithm that push-image checks", text).Then("let the build write the image with sha256 digests")
}

func foreignLayer(d v1.Descriptor) error {
	return failure.Refused("%q is a foreign layer (media type %q), which lies outside the source", d.Digest, d.MediaType).Then(
		"let the build put the layer's content into the image, as allow-nondistributable-artifacts in Docker's daemon.json does, or use a base image without such layers")
}
