package receipt

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const (
	// maxRead is how many bytes of what is listed as receipts are read until one is found: that is tens of thousands. Each push of the same
	// digest leaves one, and who may push may leave others.
	maxRead = 64 << 20
	// maxOfRun is how many are looked at that say to be of one run.
	maxOfRun = 64
	// maxManifest is the size of the largest manifest that a receipt may have, in bytes. One of ours has about one thousand.
	maxManifest = 16 << 10
	// atOnce is how many are read at the same time.
	atOnce = 8
)

// Find returns a receipt of digest that is what is expected, the newest that is found, and the digest of the manifest that has it. Where
// there is none the error is an *Invalid that says what is wrong with those that are there; another error is the registry's, and worth
// another try.
func (s Store) Find(ctx context.Context, keys []*ecdsa.PublicKey, want Expectation) (Statement, string, error) {
	return s.find(ctx, keys, want, search{maybe: func(v1.Descriptor) bool { return true }, check: func(Statement) error { return nil }, most: math.MaxInt})
}

// Of returns the digest of the manifest with the receipt of the run with that UID; the error is that of Find.
func (s Store) Of(ctx context.Context, uid string, keys []*ecdsa.PublicKey, want Expectation) (string, error) {
	_, digest, err := s.find(ctx, keys, want, search{maybe: func(d v1.Descriptor) bool { return d.Annotations[annotationRun] == uid }, most: maxOfRun, check: func(s Statement) error {
		if s.Predicate.Run.UID != uid {
			return invalid("run %q has it, and not run %q", s.Predicate.Run.UID, uid)
		}
		return nil
	}})
	return digest, err
}

// search says which receipts are looked for: maybe by what the list says, check by what the receipt does; and at how many is looked at most.
type search struct {
	maybe func(v1.Descriptor) bool
	check func(Statement) error
	most  int
}

// one is what became of one candidate.
type one struct {
	statement Statement
	read      int
	err       error
}

func (s Store) find(ctx context.Context, keys []*ecdsa.PublicKey, want Expectation, what search) (Statement, string, error) {
	subject, err := s.digest(want.Digest)
	if err != nil {
		return Statement{}, "", err
	}
	descriptors, err := s.list(ctx, subject)
	if err != nil {
		return Statement{}, "", err
	}
	candidates := slices.DeleteFunc(descriptors, func(d v1.Descriptor) bool { return !what.maybe(d) })
	if len(candidates) == 0 {
		return Statement{}, "", invalid("%s has no receipt", subject)
	}
	newestFirst(candidates)
	var first error
	left, looked := cmp.Or(s.limit, maxRead), 0
	for some := range slices.Chunk(candidates, atOnce) {
		if left <= 0 || looked >= what.most {
			return Statement{}, "", invalid("none of the newest %d receipts of %s is one, and the other %d are not looked at: let somebody delete what refers to the image and is none of its receipts; the first: %v",
				looked, subject, len(candidates)-looked, first)
		}
		tried := make([]one, len(some))
		var wait sync.WaitGroup
		for i, d := range some {
			wait.Go(func() {
				if tried[i].statement, tried[i].read, tried[i].err = s.read(ctx, d, keys, want); tried[i].err == nil {
					tried[i].err = what.check(tried[i].statement)
				}
			})
		}
		wait.Wait()
		for i, t := range tried {
			if t.err == nil {
				return t.statement, some[i].Digest.String(), nil
			}
			left -= t.read
		}
		for _, t := range tried {
			if !errors.As(t.err, new(*Invalid)) {
				return Statement{}, "", t.err
			}
			first = cmp.Or(first, t.err)
		}
		looked += len(some)
	}
	return Statement{}, "", invalid("none of the receipts of %s is one, there are %d; the first: %v", subject, looked, first)
}

// newestFirst sorts receipts by when they say that they were made. Anybody can say anything: it is where to begin, and no more.
func newestFirst(list []v1.Descriptor) {
	made := func(d v1.Descriptor) time.Time {
		when, err := time.Parse(time.RFC3339, d.Annotations[annotationCreated])
		if err != nil {
			return time.Time{}
		}
		return when
	}
	slices.SortStableFunc(list, func(a, b v1.Descriptor) int { return made(b).Compare(made(a)) })
}

// list returns what the registry lists as receipts of subject.
func (s Store) list(ctx context.Context, subject name.Digest) ([]v1.Descriptor, error) {
	index, err := remote.Referrers(subject, s.options(ctx, remote.WithFilter("artifactType", BundleType))...)
	if err != nil {
		return nil, fmt.Errorf("asking for the receipts of %q: %w", subject, Said(err))
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading the list of the receipts of %q: %w", subject, err)
	}
	var found []v1.Descriptor
	for _, d := range manifest.Manifests {
		// A registry need not repeat annotations.
		if predicate := d.Annotations[annotationPredicate]; predicate == PredicateType || predicate == "" {
			found = append(found, d)
		}
	}
	return found, nil
}

// read verifies one receipt, and says how many bytes it read.
func (s Store) read(ctx context.Context, d v1.Descriptor, keys []*ecdsa.PublicKey, want Expectation) (found Statement, size int, err error) {
	ref, err := s.digest(d.Digest.String())
	if err != nil {
		return Statement{}, 0, err
	}
	if d.Size > maxManifest {
		return Statement{}, 0, invalid("%s is no manifest of a receipt: it has %d bytes", ref, d.Size)
	}
	got, err := remote.Get(ref, s.options(ctx)...)
	if err != nil {
		return Statement{}, 0, gone(fmt.Errorf("reading receipt %q: %w", ref, Said(err)))
	}
	size = len(got.Manifest)
	var manifest v1.Manifest
	if json.Unmarshal(got.Manifest, &manifest) != nil || len(manifest.Layers) != 1 || string(manifest.Layers[0].MediaType) != BundleType {
		return Statement{}, size, invalid("%s is no manifest of one Sigstore bundle", ref)
	}
	blob, err := s.digest(manifest.Layers[0].Digest.String())
	if err != nil {
		return Statement{}, size, err
	}
	data, err := s.blob(ctx, blob)
	if size += len(data); err != nil {
		return Statement{}, size, gone(fmt.Errorf("reading receipt %q: %w", ref, Said(err)))
	}
	found, err = Verify(data, keys, want)
	return found, size, err
}

func (s Store) blob(ctx context.Context, ref name.Digest) ([]byte, error) {
	layer, err := remote.Layer(ref, s.options(ctx)...)
	if err != nil {
		return nil, err
	}
	body, err := layer.Compressed()
	if err != nil {
		return nil, err
	}
	defer body.Close()
	// Verify refuses one that is larger.
	return io.ReadAll(io.LimitReader(body, maxBundle+1))
}

// gone makes of a receipt that is listed and not there one that is wrong.
func gone(err error) error {
	if a := (*answer)(nil); errors.As(err, &a) && a.status == http.StatusNotFound {
		return &Invalid{err.Error()}
	}
	return err
}
