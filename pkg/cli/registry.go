package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/quay"
)

// registry is Quay as package overlay asks it.
type registry struct {
	quay *quay.Client
	// host is its name in images, which need not be the address at which it is asked.
	host string
	// elsewhere are the images that it was asked about and that are another registry's.
	elsewhere []string
}

// LiveTags implements overlay.Registry. A repository that does not exist has no tags.
func (r *registry) LiveTags(ctx context.Context, image, digest string) ([]string, error) {
	host, repository, _ := strings.Cut(image, "/")
	if host != r.host {
		if image += "@" + digest; !slices.Contains(r.elsewhere, image) {
			r.elsewhere = append(r.elsewhere, image)
		}
		return nil, overlay.ErrElsewhere
	}
	all, err := r.quay.Tags(ctx, repository, time.Time{})
	if quay.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	found := []string{}
	for _, tag := range all {
		// A tag with an end was moved, or expires.
		if tag.Digest == digest && tag.End.IsZero() {
			found = append(found, tag.Name)
		}
	}
	return found, nil
}
