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
	// asked are the images whose tags were looked for, elsewhere those that are another registry's.
	asked, elsewhere []string
}

// LiveTags implements overlay.Registry. A repository that does not exist has no tags.
func (r *registry) LiveTags(ctx context.Context, image, digest string) ([]string, error) {
	host, repository, _ := strings.Cut(image, "/")
	list := &r.asked
	if host != r.host {
		list = &r.elsewhere
	}
	if pinned := image + "@" + digest; !slices.Contains(*list, pinned) {
		*list = append(*list, pinned)
	}
	if host != r.host {
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
