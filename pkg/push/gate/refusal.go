package gate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// What Ask can end in, beside the registry's own errors.
var (
	// ErrOff is a Quay without a scanner: its API has no such path.
	ErrOff = errors.New("Quay has no such path")
	// ErrUnknown is a digest that Quay's API does not know.
	ErrUnknown = errors.New("Quay knows no such digest")
)

// IsUnknown reports whether err says that.
func IsUnknown(err error) bool { return errors.Is(err, ErrUnknown) }

// Away is an answer of a Quay that does not reach its scanner (quay/quay endpoints/exception.py, DownstreamIssue).
type Away struct{ Err error }

func (e *Away) Error() string { return e.Err.Error() }

func (e *Away) Unwrap() error { return e.Err }

// Next steps that several refusals have.
const (
	askPlatform = "ask who runs Quay to look into Clair's log"
	nothingSet  = "; nothing was tagged"
)

// Refused is the cause of a failure that comes from a verdict, or from there being none. It has what was found.
type Refused struct{ *Report }

func (*Refused) Error() string { return "the gate did not pass the image" }

// refuse makes one.
func (r *Report) refuse(class failure.Class, proof, next, format string, args ...any) error {
	return &failure.Error{Class: class, Problem: fmt.Sprintf(format, args...) + nothingSet, Proof: proof, Next: next, Err: &Refused{r}}
}

// refusal is the error for what the images have, or for one that nobody looked into; nil where no final verdict refuses them.
func (g *Gate) refusal(r *Report) error {
	if r.Blocking() > 0 {
		return r.refuse(failure.ClassVulnerable, r.told(), r.next(), "the image has vulnerabilities that the gate %q does not let through: %s", g.Policy, r.Summary())
	}
	for _, image := range r.Images {
		if !image.final {
			continue
		}
		switch proof := fmt.Sprintf("Quay says %q of manifest %s", image.Status, image.Image); image.Status {
		case Failed:
			return r.refuse(failure.ClassScanFailed, proof, askPlatform+", then run it again: what is in the registry is not sent twice", "Quay's scanner failed at the image, and did so again")
		case TooLarge:
			return r.refuse(failure.ClassScanLayerTooLarge, proof, "split the image's largest layer, or let who runs Quay raise SECURITY_SCANNER_V4_INDEX_MAX_LAYER_SIZE", "a layer of the image is larger than Quay has scanned")
		case Unsupported:
			if !g.Policy.PassUnsupported {
				return r.refuse(failure.ClassScanUnsupported, proof, "push what is no image of a system, such as a chart, with pass in "+failure.GateUnsupportedFlag+
					", or without "+failure.GateFlag, "Quay's scanner does not look into what this is")
			}
		}
	}
	return nil
}

// late is the error for a gate whose time is over while image waits.
func (g *Gate) late(r *Report, image *Looked) error {
	switch {
	case image.err != nil:
		return explain(image.Image, r, image.err)
	case image.Status == Failed:
		image.final = true
		return g.refusal(r)
	}
	return r.refuse(failure.ClassScanPending, fmt.Sprintf("Quay says %q of manifest %s", image.Status, image.Image),
		"run it again later: what is in the registry is not sent twice, and keeps its place in the queue for an hour; if the queue is always that long, who runs Quay gives Clair more replicas; a longer "+
			failure.GateTimeoutFlag+" waits on", "Quay's scanner had no verdict on the image within %s", g.Timeout)
}

// explain is the error for a verdict that could not be asked for; one of the registry's stays as it is.
func explain(image Image, r *Report, err error) error {
	away := (*Away)(nil)
	switch {
	case errors.Is(err, ErrOff):
		return r.refuse(failure.ClassScannerOff, err.Error(), "let who runs Quay set FEATURE_SECURITY_SCANNER and give it a Clair, or push without "+failure.GateFlag, "this Quay has no scanner")
	case IsUnknown(err):
		return r.refuse(failure.ClassNotVerified, fmt.Sprintf("%v, of manifest %s", err, image),
			"run it again; if it stays so, ask who runs Quay whether its database's replicas lag behind", "the registry took a manifest that Quay's API does not know")
	case errors.As(err, &away):
		return r.refuse(failure.ClassScannerAway, err.Error(), "run it again later; "+askPlatform, "Quay does not reach its scanner")
	case IsShape(err):
		return r.refuse(failure.ClassVerdictUnreadable, fmt.Sprintf("%v, in the verdict on manifest %s", err, image),
			"show the proof to who runs Quay, and report it with Quay's version: what cannot be read is not let through", "Quay's answer is no verdict")
	}
	return fmt.Errorf("asking for the verdict on %q: %w", image.Digest, err)
}

// most is how many vulnerabilities a message names.
const most = 3

// told names the worst ones.
func (r *Report) told() string {
	var parts []string
	for _, v := range r.worst[:min(len(r.worst), most, r.Blocking())] {
		text := fmt.Sprintf("%s %s has %s (%s)", v.Package, v.Version, v.Name, v.Severity)
		if v.FixedBy != "" {
			text += ", fixed by " + v.FixedBy
		} else {
			text += ", not fixed yet"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// next is the next step for an image with vulnerabilities.
func (r *Report) next() string {
	const again = "build it again on a newer base image"
	if worst := r.worst[0]; worst.FixedBy != "" {
		return fmt.Sprintf("update %s to %s, or %s; vulnerabilities-worst and the log name more", worst.Package, worst.FixedBy, again)
	}
	return again + " or without the package; vulnerabilities-worst and the log name more"
}
