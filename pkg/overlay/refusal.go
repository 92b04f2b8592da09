package overlay

import (
	"fmt"
	"time"
)

// Reason is one kind of refusal, or of finding. docs/overlay.md has the same list, and a test compares the two.
type Reason string

// The reasons.
const (
	ReasonPath          Reason = "path"
	ReasonSymlink       Reason = "symlink"
	ReasonMissing       Reason = "missing"
	ReasonTooLarge      Reason = "too-large"
	ReasonYAML          Reason = "yaml"
	ReasonMultiDocument Reason = "multi-document"
	ReasonDuplicateKey  Reason = "duplicate-key"
	ReasonAnchor        Reason = "anchor"
	ReasonScalar        Reason = "scalar"
	ReasonNoEntry       Reason = "no-entry"
	ReasonTwoEntries    Reason = "two-entries"
	ReasonNoDigest      Reason = "no-digest"
	ReasonNewTag        Reason = "new-tag"
	ReasonNewName       Reason = "new-name"
	ReasonDigest        Reason = "digest"
	ReasonBaseImage     Reason = "base-image"
	ReasonRemote        Reason = "remote"
	ReasonRender        Reason = "render"
	ReasonNoEffect      Reason = "no-effect"
	ReasonOtherImage    Reason = "other-image"
	ReasonEnvironment   Reason = "environment"
	ReasonOrder         Reason = "promotion-order"
	ReasonNotPinned     Reason = "not-pinned"
	ReasonNotAlive      Reason = "not-alive"
	ReasonNoReceipt     Reason = "no-receipt"
	ReasonNoVerdict     Reason = "no-verdict"
	ReasonVulnerable    Reason = "vulnerable"
	ReasonChanged       Reason = "changed"
)

// Reasons lists every reason.
var Reasons = []Reason{
	ReasonPath, ReasonSymlink, ReasonMissing, ReasonTooLarge,
	ReasonYAML, ReasonMultiDocument, ReasonDuplicateKey, ReasonAnchor, ReasonScalar,
	ReasonNoEntry, ReasonTwoEntries, ReasonNoDigest, ReasonNewTag, ReasonNewName, ReasonDigest,
	ReasonBaseImage, ReasonRemote, ReasonRender, ReasonNoEffect, ReasonOtherImage,
	ReasonEnvironment, ReasonOrder, ReasonNotPinned, ReasonNotAlive, ReasonNoReceipt, ReasonNoVerdict, ReasonVulnerable, ReasonChanged,
}

// Refusal is why an overlay was not edited, or what is wrong with it. With it nothing was written.
type Refusal struct {
	Reason Reason
	// Problem is what is wrong and the proof, Next the next step.
	Problem, Next string
	// Dies is when the digest is gone, of ReasonNotAlive; zero: it is already, or nobody can tell when.
	Dies time.Time
}

// Error is problem, reason and next step in one line.
func (r *Refusal) Error() string { return fmt.Sprintf("%s (%s); %s", r.Problem, r.Reason, r.Next) }

// refuse makes a Refusal; format and args are its problem.
func refuse(reason Reason, next, format string, args ...any) error {
	return &Refusal{Reason: reason, Problem: fmt.Sprintf(format, args...), Next: next}
}
