package source

import (
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
	"github.com/comptech-lab/quay-push/pkg/push/source/document"
	"github.com/comptech-lab/quay-push/pkg/push/strict"
)

// readManifest reads the manifest d into memory and compares it with its digest.
func readManifest(ctx context.Context, s Source, d v1.Descriptor) ([]byte, error) {
	return readDocument(ctx, s, d, "manifest")
}

// readDocument is readManifest for what errors call a document.
func readDocument(ctx context.Context, s Source, d v1.Descriptor, what string) ([]byte, error) {
	if err := document.CheckDescriptor(d); err != nil {
		return nil, err
	}
	if d.Size > registry.MaxManifest {
		return nil, failure.Refused("%s %q has %d bytes, at most %d are read", what, d.Digest, d.Size, registry.MaxManifest).Then("make the " + what + " smaller, with fewer layers, platforms, labels or annotations: registries take no larger ones")
	}
	content, err := s.open(ctx, d)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	body, err := io.ReadAll(io.LimitReader(content, d.Size+1))
	if reason := (*failure.Error)(nil); errors.As(err, &reason) {
		return nil, err
	} else if err != nil {
		return nil, failure.Unreadable(err, fmt.Sprintf("%s %q", what, d.Digest))
	}
	if int64(len(body)) != d.Size {
		return nil, withWitness(content, failure.Corrupt("%s %q has other than the %d bytes of its descriptor", what, d.Digest, d.Size))
	}
	if got := document.DigestOf(body); got != d.Digest.String() {
		return nil, withWitness(content, failure.Corrupt("%s %q hashes to %q", what, d.Digest, got))
	}
	return body, nil
}

// ReadConfig reads the config of m, a part of i; an artifact, or an index, has an empty one.
func (i *Image) ReadConfig(ctx context.Context, s Source, m Manifest) (document.ImageConfig, error) {
	var config document.ImageConfig
	if m.Config == nil || !m.Config.MediaType.IsConfig() {
		return config, nil
	}
	body, err := readDocument(ctx, s, m.Config.Content(), "config")
	if err == nil {
		err = strict.Decode(body, &config, fmt.Sprintf("config %q is not an image config", m.Config.Digest))
	}
	return config, i.About(m.Config.Content(), err)
}
