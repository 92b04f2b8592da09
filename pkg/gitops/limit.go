package gitops

import (
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// ScratchSize is the size of the largest pack that is fetched, in bytes. It needs that much disk in $TMPDIR, or /tmp.
const ScratchSize = 256 << 20

// What else a repository may hold. Anybody who can write to it would otherwise decide how much memory a run needs.
const (
	// maxUnpacked is what the objects of a pack say that they inflate to, in bytes; it takes time, but no room.
	maxUnpacked = 4 << 30
	// maxObjects is the number of objects in a pack; each takes some memory.
	maxObjects = 250_000
	// maxObject is the size of the largest object that is ever held in memory, in bytes.
	maxObject = 4 << 20
	// maxChain is how many deltas on top of each other make one object; Git itself makes 50, and reads no more than these.
	maxChain = 4095
	// maxFile is the size from which a server that can leaves files out for who changes an overlay, in bytes: pkg/overlay refuses them. A
	// Reader gets them up to maxObject.
	maxFile = 1<<20 + 1
	// cacheSize is what is kept of inflated objects, in bytes.
	cacheSize = 16 << 20
)

// smaller is the next step where a repository is too large for a server that cannot leave out what is not needed.
const smaller = "remove large files from the target branch, or let the Git server serve partial clones (uploadpack.allowFilter), which leave them out"

func tooLarge(next, format string, args ...any) error {
	return &overlay.Refusal{Reason: overlay.ReasonTooLarge, Problem: fmt.Sprintf(format, args...), Next: next}
}

var (
	tooManyRefs  = tooLarge("remove branches and tags that nobody needs", "the list of the repository's branches and tags has more than %d MiB", maxRefs>>20)
	packTooLarge = tooLarge(smaller, "the newest commit takes more than %d MiB of scratch disk", ScratchSize>>20)
)
