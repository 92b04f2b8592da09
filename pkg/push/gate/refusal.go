package gate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// IsUnknown reports whether err says that Quay's API does not know a digest.
func IsUnknown(err error) bool { return errors.Is(err, ErrUnknown) }

// Next steps that several refusals have.
const (
	askPlatform = "ask whoever runs Quay to look at Clair's log"
	nothingSet  = "; nothing was tagged"
)

// Refused is the cause of a failure that comes from a verdict, or from there being none. It has what was found.
type Refused struct{ *Found }

func (*Refused) Error() string { return "the gate did not pass the image" }

// refuse makes one.
func (f *Found) refuse(class failure.Class, proof, next, format string, args ...any) error {
	return &failure.Error{Class: class, Problem: fmt.Sprintf(format, args...) + nothingSet, Proof: proof, Next: next, Err: &Refused{f}}
}

// refusal is the error for what the images have, or for one that nobody looked into; nil where no final verdict refuses them.
func (g *Gate) refusal(f *Found) error {
	if f.Blocking() > 0 {
		return f.refuse(failure.ClassVulnerable, f.told(), f.next(), "the image has vulnerabilities that the gate %q does not let through: %s", g.Policy, f.Summary())
	}
	for _, image := range f.Images {
		if !image.final {
			continue
		}
		switch proof := fmt.Sprintf("Quay says %q of manifest %s", image.Status, image.Image); image.Status {
		case verdict.Failed:
			return f.refuse(failure.ClassScanFailed, proof, askPlatform+", then run it again: what is in the registry is not sent twice", "Quay's scanner failed at the image, and did so again")
		case verdict.TooLarge:
			return f.refuse(failure.ClassScanLayerTooLarge, proof, "split the image's largest layer, or ask whoever runs Quay to raise SECURITY_SCANNER_V4_INDEX_MAX_LAYER_SIZE", "a layer of the image is too large for Quay's scanner")
		case verdict.Unsupported:
			if !g.Policy.PassUnsupported {
				return f.refuse(failure.ClassScanUnsupported, proof, "if this is not a system image, such as a chart, push it with pass in "+failure.GateUnsupportedFlag+
					", or without "+failure.GateFlag, "Quay's scanner cannot scan this image")
			}
		}
	}
	return nil
}

// late is the error for a gate whose time is over while image waits.
func (g *Gate) late(f *Found, image *Looked) error {
	switch {
	case image.err != nil:
		return explain(image.Image, f, image.err)
	case image.Status == verdict.Failed:
		image.final = true
		return g.refusal(f)
	}
	return f.refuse(failure.ClassScanPending, fmt.Sprintf("Quay says %q of manifest %s", image.Status, image.Image),
		"run it again later: what is in the registry is not sent twice, and keeps its place in the queue for an hour; if the queue is always that long, ask whoever runs Quay to give Clair more replicas; a longer "+
			failure.GateTimeoutFlag+" waits longer", "Quay's scanner had no verdict on the image within %s", shown.Duration(g.Timeout))
}

// explain is the error for a verdict that could not be asked for; one of the registry's stays as it is.
func explain(image Image, f *Found, err error) error {
	away := (*Away)(nil)
	switch {
	case errors.As(err, new(*failure.Error)):
		return err
	case errors.Is(err, ErrOff):
		return f.refuse(failure.ClassScannerOff, err.Error(), "ask whoever runs Quay to set FEATURE_SECURITY_SCANNER and to give it a Clair, or push without "+failure.GateFlag+
			"; if it has one, the robot's token was revoked meanwhile, or something in front of Quay strips the Authorization header", "this Quay has no scanner")
	case IsUnknown(err):
		return f.refuse(failure.ClassNotVerified, fmt.Sprintf("%v, of manifest %s", err, image),
			"run it again; if it stays so, ask whoever runs Quay whether its database's replicas lag behind", "the registry took a manifest that Quay's API does not know")
	case errors.As(err, &away):
		return f.refuse(failure.ClassScannerAway, err.Error(), "run it again later; "+askPlatform, "Quay does not reach its scanner")
	case verdict.IsShape(err):
		return f.refuse(failure.ClassVerdictUnreadable, fmt.Sprintf("%v, in the verdict on manifest %s", err, image),
			"show the proof to whoever runs Quay, and report it with Quay's version: what cannot be read is not let through", "Quay's answer is no verdict")
	}
	return fmt.Errorf("asking for the verdict on %q: %w", image.Digest, err)
}

// most is how many vulnerabilities a message names.
const most = 3

// told names the worst ones.
func (f *Found) told() string {
	var parts []string
	for _, v := range f.Worst()[:min(len(f.Worst()), most, f.Blocking())] {
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
func (f *Found) next() string {
	const again = "build it again on a newer base image"
	if worst := f.Worst()[0]; worst.FixedBy != "" {
		return fmt.Sprintf("update %s to %s, or %s; vulnerabilities-worst and the log name more", worst.Package, worst.FixedBy, again)
	}
	return again + " or without the package; vulnerabilities-worst and the log name more"
}
