package receipt

import (
	"context"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Store is the receipts in one repository.
type Store struct {
	// Repository is host/organization/name.
	Repository string
	// Options say how its registry is reached, and as whom.
	Options []remote.Option

	// limit is how many bytes Find reads, for tests; 0: maxRead.
	limit int
}

// digest is a manifest or a blob in the repository.
func (s Store) digest(digest string) (name.Digest, error) {
	ref, err := name.NewDigest(s.Repository+"@"+digest, name.StrictValidation)
	if err != nil || ref.Context().Name() != s.Repository {
		return name.Digest{}, invalid("%.300q is no image by digest", s.Repository+"@"+digest)
	}
	return ref, nil
}

// options are those of one request. Who asks tries again, and tells why.
func (s Store) options(ctx context.Context, more ...remote.Option) []remote.Option {
	mine := []remote.Option{remote.WithContext(ctx), remote.WithRetryStatusCodes(), remote.WithRetryPredicate(func(error) bool { return false })}
	return slices.Concat(mine, s.Options, more)
}
