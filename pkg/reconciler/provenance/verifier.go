// Package provenance asks the registry whether an image is there, so that what a run answers does not rest on the word of the
// Pod that pushed.
package provenance

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/receipt"
)

// Verifier asks registries. It is safe for concurrent use.
type Verifier struct {
	// Transport makes the requests.
	Transport http.RoundTripper
}

// Verify asks the registry of i with credential for the digest and for the tag. The error is an *Unproven if the registry
// does not have them or has another digest under the tag; any other error, such as one of the network, is worth another try.
// No error holds the credential.
func (v Verifier) Verify(ctx context.Context, i Image, credential dockerconfig.Credential) error {
	repository, err := name.NewRepository(i.Repository, name.StrictValidation)
	if err != nil {
		return unproven("%q is no repository", i.Repository)
	}
	puller, err := remote.NewPuller(append(receipt.Options(v.Transport, repository.RegistryStr(), credential), remote.WithRetryStatusCodes(), remote.WithRetryPredicate(never))...)
	if err != nil {
		return fmt.Errorf("asking the registry for %q: %w", repository, err)
	}
	head := func(ref name.Reference) (*v1.Descriptor, error) {
		descriptor, err := puller.Head(ctx, ref)
		var answered *transport.Error
		switch {
		case errors.As(err, &answered) && answered.StatusCode == http.StatusNotFound:
			return nil, unproven("the registry does not have %s", ref)
		case err != nil:
			// A server may echo what it was sent.
			return nil, fmt.Errorf("asking the registry for %q: %s", ref, credential.Authorization().Redact(err.Error()))
		}
		return descriptor, nil
	}
	if _, err := head(repository.Digest(i.Digest)); err != nil {
		return err
	}
	tag := repository.Tag(i.Tag)
	served, err := head(tag)
	if err != nil {
		return err
	}
	if served.Digest.String() != i.Digest {
		return unproven("%s is %s at the registry, and not what was pushed, %s", tag, served.Digest, i.Digest)
	}
	return nil
}

// never: who asks tries again, and tells why.
func never(error) bool { return false }
