// Package bundle puts the objects of tekton/ into an image that Tekton's bundles resolver reads: a Tekton bundle.
package bundle

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The contract of a bundle, of Tekton's docs/tekton-bundle-contracts.md and of pkg/resolution/resolver/bundle/bundle.go, which has the
// same constant as MaximumBundleObjects: each object is a compressed layer with these annotations, the kind in lower case.
const (
	most = 20

	annotationAPIVersion = "dev.tekton.image.apiVersion"
	annotationKind       = "dev.tekton.image.kind"
	annotationName       = "dev.tekton.image.name"
)

// Image returns the Tekton bundle of the objects, each a YAML document as Parse takes it, in any order: an OCI image with one layer for each
// object, sorted by kind and name, which has nothing of the time or the machine in it. No two have the same kind and name, and there are 20
// at most, as the resolver demands. An error has the place of the object among objects, from 1; Read's has the file.
func Image(objects [][]byte) (v1.Image, error) {
	var parsed []Object
	for i, content := range objects {
		object, err := Parse(fmt.Sprintf("object %d", i+1), content)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, object)
	}
	if err := check(parsed); err != nil {
		return nil, err
	}
	slices.SortFunc(parsed, func(a, b Object) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, object := range parsed {
		layer, err := layerOf(object)
		if err != nil {
			return nil, fmt.Errorf("making the layer of %q: %w", object.File, err)
		}
		if image, err = mutate.Append(image, mutate.Addendum{Layer: layer, Annotations: map[string]string{
			annotationAPIVersion: object.APIVersion,
			annotationKind:       strings.ToLower(object.Kind),
			annotationName:       object.Name,
		}}); err != nil {
			return nil, fmt.Errorf("adding the layer of %q: %w", object.File, err)
		}
	}
	return image, nil
}

// layerOf returns a layer whose one file is the object.
func layerOf(o Object) (v1.Layer, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: o.Name, Mode: 0o600, Size: int64(len(o.Content))}); err != nil {
		return nil, err
	}
	if _, err := w.Write(o.Content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }
	return tarball.LayerFromOpener(opener, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.BestCompression))
}
