package overlay

import (
	"context"
	"errors"
	"fmt"
)

// ErrElsewhere is what a Registry says of an image of another registry, which is not looked at.
var ErrElsewhere = errors.New("the image is in another registry")

// Registry is what is asked about a digest.
type Registry interface {
	// LiveTags returns the tags of image, host/organization/name, that point at digest and do not expire. No such tag, or
	// no such manifest, is no error; an image of another registry is ErrElsewhere.
	LiveTags(ctx context.Context, image, digest string) ([]string, error)
}

// CheckAlive refuses a digest that no lasting tag keeps: Quay drops such a manifest, and what is pinned with it. The error
// is a *Refusal, or registry's.
func (p Pin) CheckAlive(ctx context.Context, registry Registry) error {
	tags, err := registry.LiveTags(ctx, p.Image, p.Digest)
	if err != nil {
		return fmt.Errorf("asking for the tags of %q: %w", p.pinned(), err)
	}
	if len(tags) == 0 {
		return refuse(ReasonNotAlive, "tag it again while it is there, or pin another digest", "no tag that lasts keeps %q in the registry", p.pinned())
	}
	return nil
}
