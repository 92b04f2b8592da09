package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// digest hashes what is left of r.
func digest(t *testing.T, r io.Reader) string {
	t.Helper()
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		t.Fatal(err)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil))
}

// load reads JSON from the layout.
func load(t *testing.T, dir, name string, to any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, strings.Replace(name, "sha256:", "blobs/sha256/", 1)))
	if err == nil {
		err = json.Unmarshal(content, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

type manifest struct {
	Config descriptor
	Layers []descriptor
}

type imageConfig struct {
	RootFS struct {
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

// open reads a layout's manifest, and checks every digest and size on the way.
func open(t *testing.T, dir string) (manifest, imageConfig) {
	t.Helper()
	var index struct{ Manifests []descriptor }
	load(t, dir, "index.json", &index)
	if len(index.Manifests) != 1 || index.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != Tag {
		t.Fatalf("index names %v", index.Manifests)
	}
	var m manifest
	load(t, dir, index.Manifests[0].Digest, &m)
	var c imageConfig
	load(t, dir, m.Config.Digest, &c)
	for _, d := range append(m.Layers, m.Config, index.Manifests[0]) {
		file, err := os.Open(filepath.Join(dir, "blobs", strings.Replace(d.Digest, ":", "/", 1)))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if got := digest(t, file); got != d.Digest || info.Size() != d.Size {
			t.Errorf("%s has %d bytes, the descriptor is %v", got, info.Size(), d)
		}
	}
	return m, c
}

// A layout is whole, its layers are tars of about the size asked for, and making it again makes the same.
func TestLayout(t *testing.T) {
	dir, again := t.TempDir(), t.TempDir()
	sizes := []int64{100, 1 << 20}
	for _, d := range []string{dir, again} {
		if err := Layout(d, sizes); err != nil {
			t.Fatal(err)
		}
	}
	m, c := open(t, dir)
	for i, d := range m.Layers {
		if d.Size < sizes[i] || d.Size > sizes[i]+8<<10 {
			t.Errorf("layer %d has %d bytes, asked for %d", i, d.Size, sizes[i])
		}
		file, err := os.Open(filepath.Join(dir, "blobs", strings.Replace(d.Digest, ":", "/", 1)))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		z, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		var content bytes.Buffer
		if got := digest(t, io.TeeReader(z, &content)); got != c.RootFS.DiffIDs[i] {
			t.Errorf("diff ID of layer %d is %s, the config says %s", i, got, c.RootFS.DiffIDs[i])
		}
		if h, err := tar.NewReader(&content).Next(); err != nil || h.Size != sizes[i] {
			t.Errorf("layer %d holds %v, %v", i, h, err)
		}
	}
	if other, _ := open(t, again); !slices.EqualFunc(m.Layers, other.Layers, func(a, b descriptor) bool { return a.Digest == b.Digest }) {
		t.Errorf("two runs made %v and %v", m.Layers, other.Layers)
	}
}

func TestSparse(t *testing.T) {
	dir := t.TempDir()
	if err := Sparse(dir, []int64{1 << 20, 2 << 20}); err != nil {
		t.Fatal(err)
	}
	if m, _ := open(t, dir); len(m.Layers) != 2 || m.Layers[1].Size != 2<<20 {
		t.Errorf("layers are %v", m.Layers)
	}
}

// An archive names a config that has the digests of its layers, and those compress to less than half; to three quarters where half is
// packed already.
func TestArchive(t *testing.T) {
	isArchive(t, Archive, 0.2, 0.5)
	isArchive(t, ArchiveOfPacked, 0.6, 0.85)
}

func isArchive(t *testing.T, write func(path string, sizes []int64) error, least, most float64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := write(path, []int64{6 << 20, 2 << 20}); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	files := map[string][]byte{}
	for archive := tar.NewReader(file); ; {
		h, err := archive.Next()
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
	var manifests []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal(files["manifest.json"], &manifests); err != nil || len(manifests) != 1 || len(manifests[0].Layers) != 2 {
		t.Fatalf("manifest.json has %v, %v", manifests, err)
	}
	var c imageConfig
	if err := json.Unmarshal(files[manifests[0].Config], &c); err != nil {
		t.Fatal(err)
	}
	for i, name := range manifests[0].Layers {
		if got := digest(t, bytes.NewReader(files[name])); got != c.RootFS.DiffIDs[i] {
			t.Errorf("layer %q is %s, the config says %s", name, got, c.RootFS.DiffIDs[i])
		}
		var small bytes.Buffer
		z, err := gzip.NewWriterLevel(&small, gzip.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		z.Write(files[name])
		z.Close()
		ratio := float64(small.Len()) / float64(len(files[name]))
		t.Logf("layer %d compresses to %.2f", i, ratio)
		if ratio > most || ratio < least {
			t.Errorf("that is not like a layer")
		}
	}
}
