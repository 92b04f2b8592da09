package registry

import (
	"slices"
	"strings"
)

// anchorDigits is how many of a digest's 64 hex digits its anchor has: 128 bits, which nobody finds a second digest for.
const anchorDigits = 32

// Anchor is the tag that holds digest, sha256:<64 hex>, and no other: digest-<first 32 hex>. Other tags move on to the next
// image, and Quay drops a manifest that no tag names: after an hour one that never had any (quay/quay config.py,
// PUSH_TEMP_TAG_EXPIRATION_SEC), after the organization's time machine one that lost its last.
func Anchor(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return "digest-" + hex[:anchorDigits]
}

// Anchored returns t with the anchor of digest behind its tags, unless it has that.
func (t Target) Anchored(digest string) Target {
	if anchor := Anchor(digest); !slices.Contains(t.Tags, anchor) {
		t.Tags = append(slices.Clip(t.Tags), anchor)
	}
	return t
}
