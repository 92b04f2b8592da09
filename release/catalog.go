package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/release/archive"
	"github.com/comptech-lab/quay-push/release/artifacthub"
	"github.com/comptech-lab/quay-push/release/bundle"
	"github.com/comptech-lab/quay-push/release/manifest"
	"github.com/comptech-lab/quay-push/release/olm"
	"github.com/comptech-lab/quay-push/release/provenance"
)

// catalogFile is what goes onto the branch that Artifact Hub reads.
const catalogFile = "artifacthub.tar.gz"

// catalog is the archive of the files that Artifact Hub reads. Its links lead to the source of this version.
func (r *release) catalog(objects []bundle.Object) ([]byte, error) {
	files, err := artifacthub.Catalog{Root: r.tree.Dir, Source: provenance.Repository + "/blob/" + r.version}.Files(objects)
	if err != nil {
		return nil, err
	}
	return r.packed("", files)
}

// olmFile is the bundle for OpenShift's Operator Lifecycle Manager, as files.
const olmFile = "olm.tar.gz"

// olm is the archive of that bundle, in a directory olm, made of the manifests of this release.
func (r *release) olm(manifests map[string][]byte) ([]byte, error) {
	files, err := olm.Files(r.version, manifests[manifest.Release], manifests["fleet.yaml"])
	if err != nil {
		return nil, err
	}
	return r.packed("olm/", files)
}

// packed is an archive of files, each by its name behind prefix.
func (r *release) packed(prefix string, files map[string][]byte) ([]byte, error) {
	packed := []archive.File{}
	for path, content := range files {
		packed = append(packed, archive.File{Name: prefix + path, Mode: 0o644, Content: content})
	}
	var archived bytes.Buffer
	err := archive.Write(&archived, r.tree.Time, packed)
	return archived.Bytes(), err
}

// bundle pushes the Tekton bundle of the objects, and returns its reference, <registry>/bundle@sha256:<hex>.
func (r *release) bundle(ctx context.Context, objects []bundle.Object) (string, error) {
	image, err := bundle.Image(bundle.Contents(objects))
	if err != nil {
		return "", err
	}
	digest, err := image.Digest()
	if err != nil {
		return "", err
	}
	tag, err := name.NewTag(r.registry + "/bundle:" + r.version)
	if err == nil {
		err = remote.Write(tag, image, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	}
	if err != nil {
		return "", fmt.Errorf("pushing the bundle: %w", err)
	}
	return tag.Context().Digest(digest.String()).String(), nil
}
