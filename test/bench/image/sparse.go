package image

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Sparse writes an OCI layout to the new directory dir whose layers are zero but for their first byte, and take no place on
// disk. They are no archives; who pushes them and does not look into them does not mind.
func Sparse(dir string, sizes []int64) error {
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		return err
	}
	var layers []descriptor
	var digests []string
	for i, size := range sizes {
		first := []byte{byte(i + 1)}
		sum := sha256.New()
		sum.Write(first)
		if _, err := io.CopyN(sum, zeros{}, size-1); err != nil {
			return err
		}
		name := hex.EncodeToString(sum.Sum(nil))
		if err := os.WriteFile(filepath.Join(blobs, name), first, 0o644); err != nil {
			return err
		}
		if err := os.Truncate(filepath.Join(blobs, name), size); err != nil {
			return fmt.Errorf("making layer %d: %w", i, err)
		}
		layers = append(layers, descriptor{MediaType: mediaLayer, Digest: "sha256:" + name, Size: size})
		digests = append(digests, "sha256:"+name)
	}
	return finish(dir, layers, digests)
}

// zeros reads as zero for ever.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
