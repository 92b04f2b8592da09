package document_test

import (
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comptech-lab/quay-push/internal/hostile"
	"github.com/comptech-lab/quay-push/pkg/push/source/document"
)

// FuzzManifest parses anything as a manifest of any type. What is taken may be fetched and checked without a further look.
func FuzzManifest(f *testing.F) {
	f.Add("application/vnd.oci.image.manifest.v1+json", []byte(hostile.EmptyConfig+`,"layers":[]}`))
	f.Add("application/vnd.oci.image.index.v1+json", []byte(`{"schemaVersion":2,"manifests":[{"mediaType":"x","size":0,"digest":"sha256:`+strings.Repeat("0", 64)+`","urls":["https://x"]}]}`))
	f.Add("application/vnd.docker.distribution.manifest.v2+json", []byte(hostile.EmptyConfig+`,"subject":null,"layers":[{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}]}`))
	f.Fuzz(func(t *testing.T, mediaType string, body []byte) {
		doc, err := document.Parse(types.MediaType(mediaType), body)
		hostile.Classed(t, err)
		if err != nil {
			return
		}
		for _, d := range doc.Descriptors() {
			if d.Digest.Algorithm != "sha256" || len(d.Digest.Hex) != 64 || strings.Trim(d.Digest.Hex, "0123456789abcdef") != "" || d.Size < 0 || len(d.URLs) > 0 {
				t.Errorf("taken was %+v", d)
			}
		}
		if t := types.MediaType(mediaType); len(doc.Manifests) > 0 && !t.IsIndex() || doc.Config == nil && !t.IsIndex() {
			panic("an image with manifests, or without config")
		}
	})
}
