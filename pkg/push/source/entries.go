package source

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
	"github.com/comptech-lab/quay-push/pkg/push/strict"
)

// entries are those of an index that is made of several sources.
type entries struct {
	all []v1.Descriptor
	// bytes are those of the indexes that they were taken out of.
	bytes int
	// platforms are the platforms so far, each with the source that it is of.
	platforms map[string]string
	// docker and oci say which formats the images have.
	docker, oci bool
}

// add adds what image, the one of the source with the given name, brings: itself, or the entries of its index. Each image has its
// platform from the index, or else from its config (OCI image spec v1.1, image-index.md).
func (e *entries) add(ctx context.Context, name string, s Source, image *Image) error {
	of := []v1.Descriptor{image.Root().Descriptor}
	if image.Root().Descriptor.MediaType.IsIndex() {
		if e.bytes += len(image.Root().Body); e.bytes > registry.MaxManifest {
			return failure.Refused("the indexes of the sources have more than %d bytes together", registry.MaxManifest).Then(failure.SmallerIndex)
		}
		var index struct {
			Manifests []v1.Descriptor `json:"manifests"`
		}
		if err := strict.Decode(image.Root().Body, &index, fmt.Sprintf("the index of source %q", name)); err != nil {
			return err
		}
		of = index.Manifests
	}
	before := len(e.platforms)
	for _, d := range of {
		if d.Platform == nil {
			platform, err := configured(ctx, s, image, d)
			if err != nil {
				return failure.Within(fmt.Sprintf("source %q", name), err)
			}
			d.Platform = platform
		}
		if other, twice := e.take(d, name); twice {
			return failure.Refused("sources %q and %q both have an image for platform %q", other, name, d.Platform).Then(
				"name one source for each platform in " + failure.SourceFlag + ", and look whether each run of the build was told its own, such as with buildah build --platform")
		}
	}
	if len(e.platforms) == before {
		return failure.Refused("source %q does not say for which platform it is: no os and architecture are in its config", name).Then(
			"let the build say that, such as with buildah build --platform linux/amd64; or push the source alone")
	}
	return nil
}

// take adds one entry of the source with the given name. It reports whether another one has the same platform, and of which source.
func (e *entries) take(d v1.Descriptor, name string) (other string, twice bool) {
	e.all = append(e.all, d)
	e.docker = e.docker || d.MediaType == types.DockerManifestSchema2
	e.oci = e.oci || d.MediaType == types.OCIManifestSchema1
	key := platformKey(d.Platform)
	if key == "" {
		return "", false
	}
	if other, twice = e.platforms[key]; !twice {
		e.platforms[key] = name
	}
	return other, twice
}

// platformKey is equal for platforms of which a node takes the first: a variant that goes without saying makes no other one
// (github.com/containerd/platforms, Normalize). It is "" for none, and for that of an attestation, as BuildKit writes it.
func platformKey(p *v1.Platform) string {
	if p == nil || p.OS == "" || p.OS == "unknown" {
		return ""
	}
	same := *p
	switch p.Architecture + "/" + p.Variant {
	case "arm64/v8", "amd64/v1":
		same.Variant = ""
	case "arm/":
		same.Variant = "v7"
	}
	return fmt.Sprintf("%q", []any{same.OS, same.Architecture, same.Variant, same.OSVersion, same.OSFeatures})
}

// configured is the platform that the config of d says, a part of image; nil for an index and for an artifact.
func configured(ctx context.Context, s Source, image *Image, d v1.Descriptor) (*v1.Platform, error) {
	for _, m := range image.Manifests {
		if m.Descriptor.Digest != d.Digest {
			continue
		}
		config, err := image.ReadConfig(ctx, s, m)
		if err != nil || config.OS.Value == "" || config.Architecture.Value == "" {
			return nil, err
		}
		return &v1.Platform{OS: config.OS.Value, Architecture: config.Architecture.Value, Variant: config.Variant.Value,
			OSVersion: config.OSVersion.Value, OSFeatures: config.OSFeatures.Value}, nil
	}
	return nil, nil
}

// index is the index of all entries. Docker's images come in Docker's list, since Quay took them in no other before
// quay/quay#6070.
func (e *entries) index() (v1.Descriptor, []byte, error) {
	mediaType := types.OCIImageIndex
	switch {
	case e.docker && e.oci:
		return v1.Descriptor{}, nil, failure.Refused("some of the sources have images in Docker's format, others in OCI's, and not every Quay takes both in one index").Then(
			"let all runs of the build write the same format, such as with buildah build --format oci")
	case e.docker:
		mediaType = types.DockerManifestList
	}
	body, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: mediaType, Manifests: e.all})
	if err != nil {
		return v1.Descriptor{}, nil, fmt.Errorf("writing the index: %w", err)
	}
	digest, _, err := v1.SHA256(bytes.NewReader(body))
	return v1.Descriptor{MediaType: mediaType, Size: int64(len(body)), Digest: digest}, body, err
}
