package quay

import (
	"context"
	"fmt"
	"net/http"
)

// SetImmutable makes a tag of "organization/name" one that can be neither moved nor deleted, or one that can. The policies of its
// organization are not asked again. The error is one for IsNotFound if there is no such tag.
func (c *Client) SetImmutable(ctx context.Context, repository, tag string, immutable bool) error {
	err := c.repositoryCall(ctx, call{method: http.MethodPut, in: map[string]bool{"immutable": immutable}}, repository, "tag", tag)
	if err != nil {
		return fmt.Errorf("setting immutable to %t at tag %q of %q: %w", immutable, tag, repository, err)
	}
	return nil
}

// DeleteTag ends a tag. Where it is gone already, also by this call whose first answer got lost, the error is one for IsNotFound.
func (c *Client) DeleteTag(ctx context.Context, repository, tag string) error {
	err := c.repositoryCall(ctx, call{method: http.MethodDelete}, repository, "tag", tag)
	if err != nil {
		return fmt.Errorf("deleting tag %q of %q: %w", tag, repository, err)
	}
	return nil
}

// RestoreTag sets a tag to a digest that it, or another tag, had: unlike a push it finds one that no tag names any more, as long as
// Quay's time machine has it. Policies make the tag immutable as any that is set. The error is one for IsNotFound where Quay has
// dropped the manifest.
func (c *Client) RestoreTag(ctx context.Context, repository, tag, digest string) error {
	err := c.repositoryCall(ctx, call{method: http.MethodPost, in: map[string]string{"manifest_digest": digest}, again: true}, repository, "tag", tag, "restore")
	if err != nil {
		return fmt.Errorf("setting tag %q of %q back to %q: %w", tag, repository, digest, err)
	}
	return nil
}
