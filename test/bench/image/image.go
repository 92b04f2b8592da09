// Package image makes the images that are pushed. The same seed makes the same bytes.
package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
)

// Name and Tag are what every image is called: in an archive both, in a layout the tag alone.
const (
	Name = "bench"
	Tag  = "v1"
)

// descriptor is one of the OCI image spec.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Media types of the layout.
const (
	mediaIndex    = "application/vnd.oci.image.index.v1+json"
	mediaManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaConfig   = "application/vnd.oci.image.config.v1+json"
	mediaLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// config is an image config with the given layers.
func config(diffIDs []string) map[string]any {
	return map[string]any{"architecture": "amd64", "os": "linux", "config": map[string]any{},
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs}}
}

// Layout writes an OCI layout to the new directory dir, with a layer for each size in bytes that no compression makes
// smaller.
func Layout(dir string, sizes []int64) error {
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return err
	}
	var layers []descriptor
	var diffIDs []string
	for i, size := range sizes {
		diffID := sha256.New()
		d, err := writeBlob(dir, mediaLayer, func(w io.Writer) error {
			// Stored, not compressed: random bytes have nothing to compress.
			z, err := gzip.NewWriterLevel(w, gzip.NoCompression)
			if err != nil {
				return err
			}
			if err := writeTar(io.MultiWriter(z, diffID), i, size, random(i)); err != nil {
				return err
			}
			return z.Close()
		})
		if err != nil {
			return fmt.Errorf("writing layer %d: %w", i, err)
		}
		layers = append(layers, d)
		diffIDs = append(diffIDs, digestOf(diffID))
	}
	return finish(dir, layers, diffIDs)
}

// finish writes config, manifest and index of a layout.
func finish(dir string, layers []descriptor, diffIDs []string) error {
	image, err := writeJSON(dir, mediaConfig, config(diffIDs))
	if err != nil {
		return err
	}
	manifest, err := writeJSON(dir, mediaManifest, map[string]any{"schemaVersion": 2, "mediaType": mediaManifest, "config": image, "layers": layers})
	if err != nil {
		return err
	}
	manifest.Annotations = map[string]string{"org.opencontainers.image.ref.name": Tag}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": []descriptor{manifest}})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "index.json"), index, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644)
}

// writeTar writes a layer: a tar with one file of the given size.
func writeTar(w io.Writer, n int, size int64, content io.Reader) error {
	t := tar.NewWriter(w)
	if err := t.WriteHeader(&tar.Header{Name: fmt.Sprintf("layer-%d", n), Mode: 0o644, Size: size}); err != nil {
		return err
	}
	if _, err := io.CopyN(t, content, size); err != nil {
		return err
	}
	return t.Close()
}

// writeBlob writes what write writes to the layout's blobs.
func writeBlob(dir, mediaType string, write func(io.Writer) error) (descriptor, error) {
	blobs := filepath.Join(dir, "blobs", "sha256")
	file, err := os.CreateTemp(blobs, "new-")
	if err != nil {
		return descriptor{}, err
	}
	defer file.Close()
	sum := sha256.New()
	if err := write(io.MultiWriter(file, sum)); err != nil {
		return descriptor{}, err
	}
	info, err := file.Stat()
	if err != nil {
		return descriptor{}, err
	}
	name := hex.EncodeToString(sum.Sum(nil))
	return descriptor{MediaType: mediaType, Digest: "sha256:" + name, Size: info.Size()}, os.Rename(file.Name(), filepath.Join(blobs, name))
}

func writeJSON(dir, mediaType string, v any) (descriptor, error) {
	content, err := json.Marshal(v)
	if err != nil {
		return descriptor{}, err
	}
	return writeBlob(dir, mediaType, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(content))
		return err
	})
}

func digestOf(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }
