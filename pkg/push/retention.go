package push

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// expiresAfter is the label by which an image makes Quay expire its tag (quay/quay data/registry_model). It often comes
// with a base image, unnoticed.
const expiresAfter = "quay.expires-after"

// checkRetention tells of every manifest whose image would make Quay expire the tag, and with it what an overlay pins.
func (i *image) checkRetention(ctx context.Context, s source, required bool, log *slog.Logger) error {
	for _, m := range i.manifests {
		value, err := i.expiry(ctx, s, m)
		if err != nil {
			return err
		}
		if value == "" {
			continue
		}
		if required {
			return &failure.Error{Class: failure.ClassRetention, Problem: "Quay would let the image expire",
				Proof: fmt.Sprintf("manifest %s has %s=%q", m.descriptor.Digest, expiresAfter, failure.Shorten(value)),
				Next:  "set the label " + expiresAfter + " to an empty value in the build; it may come from the base image"}
		}
		log.Warn("QUAY WILL LET THIS IMAGE EXPIRE, and whatever pins its digest breaks then",
			"label", expiresAfter, "value", failure.Shorten(value), "manifest", m.descriptor.Digest.String())
	}
	return nil
}

// expiry is the value of the label in m's config, or in its annotations; "" if there is none.
func (i *image) expiry(ctx context.Context, s source, m manifest) (string, error) {
	if value := m.Annotations.ExpiresAfter; value != "" {
		return value, nil
	}
	config, err := i.readConfig(ctx, s, m)
	return config.Config.Labels.ExpiresAfter, err
}
