// Package credential is where the credential of a push comes from: an entry of a dockerconfig, or Quay, in exchange for a token of the CI
// system that the push runs in.
package credential

import (
	"context"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// Source gives the credential for one registry. It is safe for concurrent use.
type Source interface {
	// Get returns the credential that is good now. It may ask somebody for a new one; the error says what that ended in.
	Get(ctx context.Context) (dockerconfig.Credential, error)
	// Secrets are the credentials that it gave so far, and what it got them for: servers may echo them.
	Secrets() []secret.Value
}
