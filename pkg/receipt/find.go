package receipt

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// maxReceipts is how many of an image are looked at: each push of the same digest leaves one, and who may push may leave others.
const maxReceipts = 64

// Find returns a receipt of digest that is what is expected, and the digest of the manifest that has it. Where there is none the error is
// an *Invalid that says what is wrong with those that are there; another error is the registry's, and worth another try.
func (s Store) Find(ctx context.Context, keys []*ecdsa.PublicKey, want Expectation) (Statement, string, error) {
	return s.find(ctx, keys, want, func(v1.Descriptor) bool { return true }, func(Statement) error { return nil })
}

// Of returns the digest of the manifest with the receipt of the run with that UID; the error is that of Find.
func (s Store) Of(ctx context.Context, uid string, keys []*ecdsa.PublicKey, want Expectation) (string, error) {
	_, digest, err := s.find(ctx, keys, want, func(d v1.Descriptor) bool { return d.Annotations[annotationRun] == uid }, func(s Statement) error {
		if s.Predicate.Run.UID != uid {
			return invalid("run %q has it, and not run %q", s.Predicate.Run.UID, uid)
		}
		return nil
	})
	return digest, err
}

func (s Store) find(ctx context.Context, keys []*ecdsa.PublicKey, want Expectation, maybe func(v1.Descriptor) bool, check func(Statement) error) (Statement, string, error) {
	subject, err := s.digest(want.Digest)
	if err != nil {
		return Statement{}, "", err
	}
	descriptors, err := s.list(ctx, subject)
	if err != nil {
		return Statement{}, "", err
	}
	var first error
	looked := 0
	for _, d := range descriptors {
		if !maybe(d) {
			continue
		}
		if looked++; looked > maxReceipts {
			return Statement{}, "", invalid("none of the first %d receipts of %s is one, and the others are not looked at: %v", maxReceipts, subject, first)
		}
		found, err := s.read(ctx, d, keys, want)
		if err == nil {
			err = check(found)
		}
		if err == nil {
			return found, d.Digest.String(), nil
		}
		if !errors.As(err, new(*Invalid)) {
			return Statement{}, "", err
		}
		first = cmp.Or(first, err)
	}
	if looked == 0 {
		return Statement{}, "", invalid("%s has no receipt", subject)
	}
	return Statement{}, "", invalid("none of the receipts of %s is one, there are %d; the first: %v", subject, looked, first)
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

// read verifies one receipt.
func (s Store) read(ctx context.Context, d v1.Descriptor, keys []*ecdsa.PublicKey, want Expectation) (Statement, error) {
	ref, err := s.digest(d.Digest.String())
	if err != nil {
		return Statement{}, err
	}
	got, err := remote.Get(ref, s.options(ctx)...)
	if err != nil {
		return Statement{}, gone(fmt.Errorf("reading receipt %q: %w", ref, Said(err)))
	}
	var manifest v1.Manifest
	if json.Unmarshal(got.Manifest, &manifest) != nil || len(manifest.Layers) != 1 || string(manifest.Layers[0].MediaType) != BundleType {
		return Statement{}, invalid("%s is no manifest of one Sigstore bundle", ref)
	}
	blob, err := s.digest(manifest.Layers[0].Digest.String())
	if err != nil {
		return Statement{}, err
	}
	data, err := s.blob(ctx, blob)
	if err != nil {
		return Statement{}, gone(fmt.Errorf("reading receipt %q: %w", ref, Said(err)))
	}
	return Verify(data, keys, want)
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
