package source

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// expiresAfter is the label by which an image makes Quay expire its tag (quay/quay data/registry_model). It often comes
// with a base image, unnoticed.
const expiresAfter = "quay.expires-after"

// CheckRetention tells of every manifest whose image would make Quay expire the tag, and with it what an overlay pins.
func (i *Image) CheckRetention(ctx context.Context, s Source, required bool, log *slog.Logger) error {
	for _, m := range i.Manifests {
		value, err := i.expiry(ctx, s, m)
		if err != nil {
			return err
		}
		if value == "" {
			continue
		}
		if required {
			return &failure.Error{Class: failure.ClassRetention, Problem: "Quay would let the image expire",
				Proof: fmt.Sprintf("manifest %s has %s=%q", m.Descriptor.Digest, expiresAfter, failure.Shorten(value)),
				Next:  "set the label " + expiresAfter + " to an empty value in the build; it may come from the base image"}
		}
		log.Warn("QUAY WILL LET THIS IMAGE EXPIRE, and whatever pins its digest breaks then: no tag outlasts the label, the anchor neither, "+
			"unless the organization has an immutability policy for anchors, as tkn quay onboard sets it",
			"label", expiresAfter, "value", failure.Shorten(value), "manifest", m.Descriptor.Digest.String())
	}
	return nil
}

// expiry is the value of the label in m's config, or in its annotations; "" if there is none.
func (i *Image) expiry(ctx context.Context, s Source, m Manifest) (string, error) {
	if value := m.Annotations.ExpiresAfter; value != "" {
		return value, nil
	}
	config, err := i.ReadConfig(ctx, s, m)
	return config.Config.Labels.ExpiresAfter, err
}
