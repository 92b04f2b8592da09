//go:build e2e

package e2e

import (
	"archive/tar"
	"bytes"
	"math/rand"
	"os"
	"runtime"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// seededImage returns an image of a thousand random bytes as a tar file of an OCI layout, and its digest.
func seededImage(t *testing.T, seed int64) (archive []byte, digest string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	layer, err := random.Layer(1000, types.DockerLayer, random.WithSource(rand.NewSource(seed)))
	must(err)
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH})
	must(err)
	image, err = mutate.AppendLayers(image, layer)
	must(err)
	dir := t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	must(err)
	must(path.AppendImage(image))
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	must(w.AddFS(os.DirFS(dir)))
	must(w.Close())
	hash, err := image.Digest()
	must(err)
	return packed.Bytes(), hash.String()
}
