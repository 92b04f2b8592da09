package reference

import "strings"

// AnchorPattern is a regular expression for the whole name of an anchor.
const AnchorPattern = "digest-[0-9a-f]{32}"

// Anchor is the tag that holds digest, sha256:<64 hex>, and no other: digest-<first 32 hex>, 128 bits of it, for which nobody finds a
// second digest. Other tags move on to the next image, and Quay drops a manifest that no tag names: after an hour one that never had
// any (quay/quay config.py, PUSH_TEMP_TAG_EXPIRATION_SEC), at once one that lost its last, and for good after the organization's time machine.
func Anchor(digest string) string {
	const digits = 32
	_, hex, _ := strings.Cut(digest, ":")
	return "digest-" + hex[:digits]
}
