package push_test

import (
	"bytes"
	"testing"
)

const mediaEmpty = "application/vnd.oci.empty.v1+json"

// manifestOf adds a manifest with the given members to a layout.
func manifestOf(t *testing.T, dir string, members map[string]any) descriptor {
	t.Helper()
	all := map[string]any{"schemaVersion": 2, "mediaType": mediaManifest, "config": addBlob(t, dir, mediaEmpty, []byte("{}")), "layers": []descriptor{}}
	for name, value := range members {
		all[name] = value
	}
	return addJSON(t, dir, mediaManifest, all)
}

// pushed fails unless the registry has the bytes of each manifest, from a layout and from the tar file of it.
func (f *fixture) pushed(image descriptor, manifests ...descriptor) {
	f.t.Helper()
	for _, archive := range []bool{false, true} {
		if archive {
			f.archived("oci-archive:", entriesOf(f.t, f.layout)...)
		}
		if result := f.push(); result.Digest != image.Digest {
			f.t.Errorf("Push = %s, want %s", result.Digest, image.Digest)
		}
		for _, d := range manifests {
			if _, mediaType, ok := f.Manifest("team-a/app", d.Digest); !ok || mediaType != d.MediaType {
				f.t.Errorf("manifest %s is of type %q, want %q", d.Digest, mediaType, d.MediaType)
			}
		}
	}
}

// Signatures and SBOMs are referrers, those of a platform and of a referrer among them.
func TestReferrersGoAlong(t *testing.T) {
	f := newFixture(t)
	amd, arm := writeImage(t, f.layout, `{"architecture":"amd64","os":"linux"}`, small), writeImage(t, f.layout, `{"architecture":"arm64","os":"linux"}`, 7)
	index := addJSON(t, f.layout, mediaIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": []descriptor{amd, arm}})
	sbom := manifestOf(t, f.layout, map[string]any{"artifactType": "application/spdx+json", "subject": arm,
		"layers": []descriptor{addBlob(t, f.layout, "application/spdx+json", []byte(`{"SPDXID":"x"}`))}})
	signature := manifestOf(t, f.layout, map[string]any{"artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json", "subject": sbom})
	writeIndex(t, f.layout, signature, sbom, index)
	f.pushed(index, index, amd, arm, sbom, signature)
}

// An artifact has a config and layers of types that no image has.
func TestArtifact(t *testing.T) {
	f := newFixture(t)
	chart := addBlob(t, f.layout, "application/vnd.cncf.helm.chart.content.v1.tar+gzip", []byte("chart"))
	artifact := manifestOf(t, f.layout, map[string]any{"config": addBlob(t, f.layout, "application/vnd.cncf.helm.config.v1+json", []byte(`{"name":"chart"}`)),
		"layers": []descriptor{chart}})
	writeIndex(t, f.layout, artifact)
	f.pushed(artifact, artifact)
	if got := f.stored(chart.Digest); string(got) != "chart" {
		t.Errorf("the chart is %q", got)
	}
}

// A layer in zstd is as good as another one.
func TestZstdPassesThrough(t *testing.T) {
	f := newFixture(t)
	content := zstandard(t, layerOf(1, 5000), 1<<20)
	layer := addBlob(t, f.layout, mediaZstd, content)
	image := manifestOf(t, f.layout, map[string]any{"config": addBlob(t, f.layout, mediaConfig, savedConfig(t, layerOf(1, 5000))), "layers": []descriptor{layer}})
	writeIndex(t, f.layout, image)
	f.pushed(image, image)
	if !bytes.Equal(f.stored(layer.Digest), content) || f.pushedManifest().Layers[0].MediaType != mediaZstd {
		t.Error("the layer is another one")
	}
}

// What Docker's buildx leaves in a layout without OCI types.
func TestDockerManifestList(t *testing.T) {
	f := newFixture(t)
	const list, manifest = "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json"
	image := addJSON(t, f.layout, manifest, map[string]any{"schemaVersion": 2, "mediaType": manifest,
		"config": addBlob(t, f.layout, "application/vnd.docker.container.image.v1+json", []byte(`{"os":"linux","rootfs":{"type":"layers"},"history":[{}]}`)),
		"layers": []descriptor{addBlob(t, f.layout, "application/vnd.docker.image.rootfs.diff.tar.gzip", gzipped(t, layerOf(1, 10)))}})
	index := addJSON(t, f.layout, list, map[string]any{"schemaVersion": 2, "mediaType": list, "manifests": []descriptor{image}})
	writeIndex(t, f.layout, index)
	f.pushed(index, index, image)
}
