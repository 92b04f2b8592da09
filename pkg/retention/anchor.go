// Package retention decides which anchors are let go. An anchor is the tag digest-<first 32 hex> that every push sets, and that keeps its
// digest in Quay when other tags move on. It knows neither clusters nor files: who needs a digest is told by a Source.
package retention

import (
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// Outcome is what became of an anchor.
type Outcome string

// The outcomes.
const (
	// Kept is one that something needs, or may still need.
	Kept Outcome = "kept"
	// Unknown is one that stays since not all could be looked up that may need it.
	Unknown Outcome = "unknown"
	// LetGo is one that was deleted, or with a dry run would be.
	LetGo Outcome = "let-go"
	// Failed is one that was to be deleted, and is still there.
	Failed Outcome = "failed"
)

// Anchor is an anchor, and what became of it.
type Anchor struct {
	// Repository is "organization/name".
	Repository string `json:"repository"`
	Tag        string `json:"tag"`
	// Digest is what it keeps, sha256:<64 hex>.
	Digest  string  `json:"digest"`
	Outcome Outcome `json:"outcome"`
	// Why is what needs it, or why it goes.
	Why string `json:"why"`
	// Set is when it was set, by Quay's clock.
	Set time.Time `json:"set"`
	// Until is when its grace period ends, of one that nothing else keeps; else zero.
	Until time.Time `json:"until,omitzero"`

	immutable bool
	end       time.Time
	// children are what it lists, of one that is to be let go.
	children []string
}

// isAnchor reports whether a tag is one. A tag of such a name that points at another digest is somebody's own, and never touched.
func isAnchor(t quay.Tag) bool {
	return reference.IsDigest(t.Digest) && t.Name == reference.Anchor(t.Digest)
}
