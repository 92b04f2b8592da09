package provenance

import (
	"encoding/json"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// Image is what a push says that it left in the registry.
type Image struct {
	// Repository is host/organization/name.
	Repository string
	Tag        string
	// Digest is sha256:<64 hex> of the manifest.
	Digest string
}

// Pushed returns the image that the results of a push to imageRef, host/organization/name[:tag], are about. The error is an
// *Unproven if they are about another repository, or do not all say the same.
func Pushed(imageRef string, results map[string]string) (Image, error) {
	i := Image{Repository: reference.Bare(imageRef), Digest: results[v1alpha1.ResultImageDigest]}
	if !reference.IsDigest(i.Digest) {
		return Image{}, unproven("result %s is %q, not sha256:<64 hex>", v1alpha1.ResultImageDigest, i.Digest)
	}
	tag, err := name.NewTag(results[v1alpha1.ResultImageURL], name.StrictValidation)
	if err != nil || tag.Context().Name() != i.Repository {
		return Image{}, unproven("result %s is %q, not %s:<tag>", v1alpha1.ResultImageURL, results[v1alpha1.ResultImageURL], i.Repository)
	}
	i.Tag = tag.TagStr()
	for name, want := range map[string]string{
		v1alpha1.ResultDigest:   i.Digest,
		v1alpha1.ResultImageRef: i.Repository,
		v1alpha1.ResultPinned:   i.Repository + "@" + i.Digest,
	} {
		if got := results[name]; got != want {
			return Image{}, unproven("result %s is %q, and a push of digest %s to %s would say %q", name, got, i.Digest, i.Repository, want)
		}
	}
	var overlay struct{ Name, NewName, Digest string }
	if err := json.Unmarshal([]byte(results[v1alpha1.ResultOverlay]), &overlay); err != nil ||
		overlay.Name != i.Repository || overlay.NewName != i.Repository || overlay.Digest != i.Digest {
		return Image{}, unproven("result %s is %q, which is not about %s@%s", v1alpha1.ResultOverlay, results[v1alpha1.ResultOverlay], i.Repository, i.Digest)
	}
	return i, nil
}

// Unproven is what the registry, or the results themselves, say against them. It is final.
type Unproven struct{ Problem string }

func (e *Unproven) Error() string { return e.Problem }

func unproven(format string, args ...any) error {
	return &Unproven{fmt.Sprintf(format, args...)}
}
