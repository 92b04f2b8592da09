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

// nobody is the platform of what is beside an image in an index, as BuildKit writes it: no node has it.
const nobody = "unknown/unknown"

// Images are the manifests of an image that there has to be a verdict on: all but indexes, which Quay never looks into, and documents about
// an image, such as an attestation that BuildKit puts beside it. Those have layers that are no archives by their types, and are chosen by no
// runtime: each index that names them says that they are for no platform, or they have a subject and no index names them. A runtime may
// choose what an index gives another platform, or none, and those built on containers/image unpack layers of any type (skopeo 1.9.3 did). What
// is tagged itself is asked for whatever it is.
func Images(of *source.Image) (images []Image) {
	platforms, chosen := map[v1.Hash]string{}, map[v1.Hash]bool{}
	for _, m := range of.Manifests {
		for _, child := range m.Manifests {
			if platform := child.Platform.String(); platform != nobody {
				platforms[child.Digest.Hash], chosen[child.Digest.Hash] = platform, true
			} else if !chosen[child.Digest.Hash] {
				platforms[child.Digest.Hash] = nobody
			}
		}
	}
	for _, m := range of.Manifests {
		d := m.Descriptor.Digest
		beside := !chosen[d] && (m.Subject != nil || platforms[d] == nobody)
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
