package push

import (
	"context"
	"fmt"
)

// expiresAfter is the label by which an image makes Quay expire its tag (quay/quay data/registry_model). It often comes
// with a base image, unnoticed.
const expiresAfter = "quay.expires-after"

// checkRetention reports every manifest whose image would make Quay expire the tag, and with it what an overlay pins.
func (p *pusher) checkRetention(ctx context.Context) error {
	for _, m := range p.image.manifests {
		value, err := p.expiry(ctx, m)
		if err != nil {
			return err
		}
		if value == "" {
			continue
		}
		if p.opts.RequireRetention {
			return &Error{Class: ClassRetention, Problem: "Quay would let the image expire",
				Proof: fmt.Sprintf("manifest %s has %s=%q", m.descriptor.Digest, expiresAfter, shorten(value)),
				Next:  "set the label " + expiresAfter + " to an empty value in the build; it may come from the base image"}
		}
		p.log.Warn("QUAY WILL LET THIS IMAGE EXPIRE, and whatever pins its digest breaks then",
			"label", expiresAfter, "value", shorten(value), "manifest", m.descriptor.Digest.String())
	}
	return nil
}

// expiry is the value of the label in m's config, or in its annotations; "" if there is none.
func (p *pusher) expiry(ctx context.Context, m manifest) (string, error) {
	if value := m.Annotations.ExpiresAfter; value != "" {
		return value, nil
	}
	config, err := p.readConfig(ctx, m)
	return config.Config.Labels.ExpiresAfter, err
}
