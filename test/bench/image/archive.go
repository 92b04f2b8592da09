package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Archive writes a docker-archive to the new file path, as docker save and buildah do: layers as they are, uncompressed. Each
// has a file of the given size, in bytes, whose content compresses well.
func Archive(path string, sizes []int64) error { return writeArchive(path, sizes, text) }

// ArchiveOfPacked is Archive with content half of which is packed already.
func ArchiveOfPacked(path string, sizes []int64) error { return writeArchive(path, sizes, jars) }

func writeArchive(path string, sizes []int64, content func(n int) io.Reader) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	archive := tar.NewWriter(file)
	var names, diffIDs []string
	for i, size := range sizes {
		name, err := addLayer(archive, filepath.Dir(path), i, size, content(i))
		if err != nil {
			return fmt.Errorf("writing layer %d: %w", i, err)
		}
		names = append(names, name+".tar")
		diffIDs = append(diffIDs, "sha256:"+name)
	}
	configBody, err := json.Marshal(config(diffIDs))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(configBody)
	configName := hex.EncodeToString(sum[:]) + ".json"
	manifest, err := json.Marshal([]map[string]any{{"Config": configName, "RepoTags": []string{Name + ":" + Tag}, "Layers": names}})
	if err != nil {
		return err
	}
	if err := addFile(archive, configName, bytes.NewReader(configBody), int64(len(configBody))); err != nil {
		return err
	}
	if err := addFile(archive, "manifest.json", bytes.NewReader(manifest), int64(len(manifest))); err != nil {
		return err
	}
	return archive.Close()
}

// addLayer adds a layer under its digest, which it returns in hex. It is made in dir first: its name comes before it.
func addLayer(archive *tar.Writer, dir string, n int, size int64, of io.Reader) (string, error) {
	layer, err := os.CreateTemp(dir, "layer-")
	if err != nil {
		return "", err
	}
	defer os.Remove(layer.Name())
	defer layer.Close()
	sum := sha256.New()
	if err := writeTar(io.MultiWriter(layer, sum), n, size, of); err != nil {
		return "", err
	}
	whole, err := layer.Seek(0, io.SeekCurrent)
	if err != nil {
		return "", err
	}
	if _, err := layer.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	name := hex.EncodeToString(sum.Sum(nil))
	return name, addFile(archive, name+".tar", layer, whole)
}

func addFile(archive *tar.Writer, name string, content io.Reader, size int64) error {
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size}); err != nil {
		return err
	}
	_, err := io.Copy(archive, content)
	return err
}
