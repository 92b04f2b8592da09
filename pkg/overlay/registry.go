package overlay

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrElsewhere is what a Registry says of an image of another registry, which is not looked at.
var ErrElsewhere = errors.New("the image is in another registry")

// Registry is what is asked about a digest.
type Registry interface {
	// Fate tells what becomes of digest in image, host/organization/name. That there is no such tag, or no such manifest, is no error; an
	// image of another registry is ErrElsewhere.
	Fate(ctx context.Context, image, digest string) (Fate, error)
}

// Fate is what becomes of a digest in a registry.
type Fate struct {
	// Tags are those that keep it, with no end in sight.
	Tags []string
	// How is what it dies of where there are none, and Dies when; zero: it is gone already, or nobody can tell.
	How  string
	Dies time.Time
}

// CheckAlive refuses a digest that no lasting tag keeps: Quay drops such a manifest, and what is pinned with it. The error
// is a *Refusal, or registry's.
func (p Pin) CheckAlive(ctx context.Context, registry Registry) error {
	fate, err := registry.Fate(ctx, p.Image, p.Digest)
	if err != nil {
		return fmt.Errorf("asking for the tags of %q: %w", p.pinned(), err)
	}
	if len(fate.Tags) > 0 {
		return nil
	}
	problem := fmt.Sprintf("no tag that lasts keeps %q in the registry", p.pinned())
	if fate.How != "" {
		problem += ": " + fate.How
	}
	return &Refusal{Reason: ReasonNotAlive, Problem: problem, Next: "push the image again, or tag the digest while it is there; else pin another digest", Dies: fate.Dies}
}
