package receipt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// emptyType is the media type of the config of an artifact (opencontainers/image-spec: manifest.md).
	emptyType = types.MediaType("application/vnd.oci.empty.v1+json")
	// annotationPredicate has the predicate type of a bundle's statement, as cosign v3 writes it: who looks for receipts has no
	// other bundle to read.
	annotationPredicate = "dev.sigstore.bundle.predicateType"
	annotationContent   = "dev.sigstore.bundle.content"
	annotationCreated   = "org.opencontainers.image.created"
	// annotationRun is the UID of the run, by which its own receipt is found.
	annotationRun = "quay.comptech-lab.com/run-uid"
)

// Write stores a bundle with the statement as a referrer of the image that it is about, and returns the digest of the manifest that has it.
// Until that is there nobody sees anything. The error is the registry's.
func (s Store) Write(ctx context.Context, statement Statement, data []byte) (string, error) {
	subject, err := s.digest("sha256:" + statement.Subject[0].Digest["sha256"])
	if err != nil {
		return "", err
	}
	about, err := remote.Head(subject, s.options(ctx)...)
	if err != nil {
		return "", fmt.Errorf("asking the registry for %q: %w", subject, Said(err))
	}
	config, layer := static.NewLayer([]byte("{}"), emptyType), static.NewLayer(data, types.MediaType(BundleType))
	for _, l := range []v1.Layer{config, layer} {
		if err := remote.WriteLayer(subject.Context(), l, s.options(ctx)...); err != nil {
			return "", fmt.Errorf("writing a receipt into %q: %w", s.Repository, Said(err))
		}
	}
	m, err := newManifest(statement, v1.Descriptor{MediaType: about.MediaType, Digest: about.Digest, Size: about.Size}, config, layer)
	if err != nil {
		return "", err
	}
	ref, err := s.digest(m.digest)
	if err != nil {
		return "", err
	}
	if err := remote.Put(ref, m, s.options(ctx)...); err != nil {
		return "", fmt.Errorf("writing receipt %q: %w", ref, Said(err))
	}
	return m.digest, nil
}

// manifest is one as it is sent.
type manifest struct {
	body   []byte
	digest string
}

// newManifest returns that of a receipt, as cosign v3 writes it.
func newManifest(statement Statement, subject v1.Descriptor, config, layer v1.Layer) (manifest, error) {
	var described [2]v1.Descriptor
	for i, l := range []v1.Layer{config, layer} {
		d, err := partial.Descriptor(l)
		if err != nil {
			return manifest{}, fmt.Errorf("describing a receipt: %w", err)
		}
		described[i] = *d
	}
	body, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: BundleType,
		Config: described[0], Layers: described[1:], Subject: &subject,
		Annotations: map[string]string{
			annotationPredicate: statement.PredicateType, annotationContent: "dsse-envelope",
			annotationCreated: statement.Predicate.Time.Format(time.RFC3339), annotationRun: statement.Predicate.Run.UID,
		},
	})
	if err != nil {
		return manifest{}, fmt.Errorf("encoding the manifest of a receipt: %w", err)
	}
	digest, _, err := v1.SHA256(bytes.NewReader(body))
	return manifest{body, digest.String()}, err
}

// RawManifest implements remote.Taggable.
func (m manifest) RawManifest() ([]byte, error) { return m.body, nil }

// MediaType says what the body is.
func (m manifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
