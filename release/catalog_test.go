//go:build release

package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// catalogs looks whether the archive for Artifact Hub, and the bundle, have what tekton/ has, by digest.
func (s *stage) catalogs(dist string) {
	// The same Task in both.
	task := s.packed(dist, "artifacthub.tar.gz", "task/push-image-quay/0.1/push-image-quay.yaml")
	if digest := []byte(s.registry + "/quay-push/push-image@sha256:"); !bytes.Contains(task, digest) {
		s.t.Errorf("the catalog's Task is\n%s", task)
	}
	bundled := s.bundle(dist)
	image, err := remote.Image(bundled)
	if err != nil {
		s.t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		s.t.Fatal(err)
	}
	found := false
	for _, l := range manifest.Layers {
		if l.Annotations["dev.tekton.image.kind"] == "task" && l.Annotations["dev.tekton.image.name"] == "push-image-quay" {
			layer, err := image.LayerByDigest(l.Digest)
			if err != nil {
				s.t.Fatal(err)
			}
			content, err := layer.Uncompressed()
			if err != nil {
				s.t.Fatal(err)
			}
			found = bytes.Equal(extract(s.t, content, "push-image-quay"), task)
		}
	}
	if !found {
		s.t.Errorf("%s does not have the catalog's Task: %v", bundled, manifest.Layers)
	}
}

// bundle is the Tekton bundle of a release.
func (s *stage) bundle(dist string) name.Digest {
	s.t.Helper()
	for _, ref := range s.references(dist) {
		if isBundle(ref) {
			return ref
		}
	}
	s.t.Fatal("there is no bundle")
	return name.Digest{}
}

func isBundle(ref name.Digest) bool { return path.Base(ref.Context().RepositoryStr()) == "bundle" }

// operators looks whether the bundle for the Operator Lifecycle Manager runs the controller of this release, by digest.
func (s *stage) operators(dist string) {
	service := s.packed(dist, "olm.tar.gz", "olm/manifests/quay-push.clusterserviceversion.yaml")
	if digest := []byte(s.registry + "/quay-push/controller@sha256:"); !bytes.Contains(service, digest) {
		s.t.Errorf("the ClusterServiceVersion is\n%s", service)
	}
}

// packed is a file of an archive in dist.
func (s *stage) packed(dist, name, path string) []byte {
	file, err := os.Open(filepath.Join(dist, name))
	if err != nil {
		s.t.Fatal(err)
	}
	defer file.Close()
	archive, err := gzip.NewReader(file)
	if err != nil {
		s.t.Fatal(err)
	}
	return extract(s.t, archive, path)
}
