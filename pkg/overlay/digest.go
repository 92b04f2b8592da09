package overlay

import (
	"encoding/json"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

// Placeholder is the digest of an overlay that CI did not write yet.
const Placeholder = "sha256:REPLACED_BY_CI"

// CheckDigest refuses what is not sha256:<64 hex>; the error is a *Refusal.
func CheckDigest(digest string) error {
	if reference.IsDigest(digest) {
		return nil
	}
	return refuse(ReasonDigest, "use the digest that the push reported, sha256:<64 hex>", "%q is not the digest of an image", digest)
}

// Short is the first 8 hex of a digest, as in a commit's message. The digest must be sha256:<64 hex>.
func Short(digest string) string { return digest[len("sha256:") : len("sha256:")+8] }

// Pin is an image and the digest that it shall have.
type Pin struct {
	// Image is host/organization/name, byte for byte that of the base, without a tag.
	Image string
	// Digest is sha256:<64 hex>.
	Digest string
}

// ParsePin reads the result overlay-image of a push: one item of a kustomization's images, as JSON.
func ParsePin(item string) (Pin, error) {
	var image struct{ Name, NewName, Digest string }
	if err := json.Unmarshal([]byte(item), &image); err != nil {
		return Pin{}, fmt.Errorf("reading overlay-image %q: %w", item, err)
	}
	if image.Name == "" || image.NewName != image.Name {
		return Pin{}, fmt.Errorf("reading overlay-image %q: name and newName are not one image", item)
	}
	return Pin{image.Name, image.Digest}, nil
}

// pinned is the image as kustomize renders it.
func (p Pin) pinned() string { return p.Image + "@" + p.Digest }
