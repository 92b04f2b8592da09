package gate

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/source"
	"github.com/comptech-lab/quay-push/pkg/push/source/document"
)

// Image is a manifest to ask for.
type Image struct {
	// Digest is sha256:<hex>, Platform what the index says it is for, such as linux/arm64; empty where there is no index.
	Digest   string `json:"digest"`
	Platform string `json:"platform,omitempty"`
}

func (i Image) String() string {
	if i.Platform == "" {
		return fmt.Sprintf("%q", i.Digest)
	}
	return fmt.Sprintf("%q (platform %q)", i.Digest, i.Platform)
}

// Images are the manifests of an image that there has to be a verdict on: all but indexes, which Quay never looks into, and documents about
// an image, such as an attestation that BuildKit puts beside it. Those have layers that no runtime unpacks, and are chosen by none: they
// have a subject, or a platform that is unknown. What is tagged itself is asked for whatever it is.
func Images(of *source.Image) (images []Image) {
	platforms := map[v1.Hash]string{}
	for _, m := range of.Manifests {
		for _, child := range m.Manifests {
			platforms[child.Digest.Hash] = child.Platform.String()
		}
	}
	for _, m := range of.Manifests {
		d := m.Descriptor.Digest
		beside := m.Subject != nil || platforms[d] == "unknown/unknown"
		if m.Descriptor.MediaType.IsIndex() || d.String() != of.Digest && beside && isDocument(m) {
			continue
		}
		images = append(images, Image{Digest: d.String(), Platform: platforms[d]})
	}
	return images
}

// isDocument reports whether the layers of m are documents by their types, such as application/vnd.in-toto+json.
func isDocument(m source.Manifest) bool {
	return len(m.Layers) > 0 && !slices.ContainsFunc(m.Layers, func(layer document.Descriptor) bool {
		t := string(layer.MediaType)
		return !strings.HasSuffix(t, "json") && !strings.HasSuffix(t, "+xml") && !strings.HasPrefix(t, "text/")
	})
}
