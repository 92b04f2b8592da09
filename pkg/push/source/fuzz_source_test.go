package source

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"

	"github.com/comptech-lab/quay-push/internal/hostile"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/source/document"
	"github.com/comptech-lab/quay-push/pkg/push/source/files"
)

// whole reads everything that a source says it has.
func whole(t *testing.T, s Source) {
	t.Helper()
	i, err := ReadImage(t.Context(), s)
	hostile.Classed(t, err)
	if err != nil {
		return
	}
	if len(i.Manifests) > maxManifests || len(i.Blobs) > maxBlobs || document.DigestOf(i.Root().Body) != i.Digest {
		t.Errorf("the image has %d manifests, %d blobs and the digest %s", len(i.Manifests), len(i.Blobs), i.Digest)
	}
	for _, d := range i.Blobs {
		content, err := OpenVerified(t.Context(), s, d, nil)
		if err == nil {
			_, err = io.Copy(io.Discard, content)
			content.Close()
		}
		hostile.Classed(t, err)
	}
}

// memory is a layout's files.
type memory map[string][]byte

func (m memory) Open(name string) (io.ReadCloser, int64, error) {
	content, ok := m[name]
	if !ok {
		return nil, 0, failure.Missing(fs.ErrNotExist, "%q is missing", name)
	}
	return io.NopCloser(bytes.NewReader(content)), int64(len(content)), nil
}

func (m memory) Path(name string) string { return name }
func (m memory) Close() error            { return nil }

// add adds a blob and returns its descriptor.
func (m memory) add(mediaType types.MediaType, content []byte) v1.Descriptor {
	digest, err := v1.NewHash(document.DigestOf(content))
	if err != nil {
		panic(err)
	}
	m["blobs/sha256/"+digest.Hex] = content
	return v1.Descriptor{MediaType: mediaType, Size: int64(len(content)), Digest: digest}
}

func marshal(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// FuzzLayout reads a layout whose index.json, version, manifest and blob are anything. Only what has the digest by which it is
// named comes so far, so the manifest is put where its digest says, and into an index of its own.
func FuzzLayout(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[]}`), []byte(`{"imageLayoutVersion":"1.0.0"}`), []byte(hostile.EmptyConfig+`}`), []byte(`{}`), "application/vnd.oci.image.manifest.v1+json", "")
	f.Add([]byte(``), []byte(`{"imageLayoutVersion":"1.0.0"}`), []byte(hostile.EmptyConfig+`,"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":1,"digest":"sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}]}`), []byte(`x`), "application/vnd.oci.image.manifest.v1+json", "v1")
	f.Add([]byte(`null`), []byte(`{"imageLayoutVersion":"1."}`), []byte(`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","size":-1,"digest":"sha256:x"}]}`), []byte(``), "application/vnd.oci.image.index.v1+json", "")
	f.Fuzz(func(t *testing.T, index, version, manifest, blob []byte, mediaType, ref string) {
		m := memory{"oci-layout": version, "index.json": index}
		m.add("", blob)
		m.add("", []byte("{}"))
		root := m.add(types.MediaType(mediaType), manifest)
		for range 2 {
			s, err := newLayout(slog.New(slog.DiscardHandler), m, ref)
			hostile.Classed(t, err)
			if err == nil {
				whole(t, s)
			}
			root.Annotations = map[string]string{"org.opencontainers.image.ref.name": ref}
			m["index.json"] = marshal(map[string]any{"schemaVersion": 2, "manifests": []v1.Descriptor{root}})
		}
	})
}

// FuzzDockerArchive makes an image of any manifest.json, config and layer.
func FuzzDockerArchive(f *testing.F) {
	good := []byte(`[{"Config":"c","Layers":["l"],"RepoTags":["a:b"]}]`)
	config := func(layer string) []byte {
		return []byte(`{"rootfs":{"diff_ids":["` + document.DigestOf([]byte(layer)) + `"]}}`)
	}
	f.Add(good, config("x"), []byte("x"), "")
	for _, write := range []func(io.Writer) io.WriteCloser{
		func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
	} {
		var layer bytes.Buffer
		w := write(&layer)
		if _, err := io.WriteString(w, "layer"); err != nil || w.Close() != nil {
			f.Fatal(err)
		}
		f.Add(good, config("layer"), layer.Bytes(), "a:b")
	}
	f.Add([]byte(`[{"Config":"../c","Layers":["/l","l"]},null]`), []byte(`{"rootfs":null}`), []byte("BZh"), "x")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, manifest, config, layer []byte, ref string) {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for name, content := range map[string][]byte{savedImages: manifest, "c": config, "l": layer} {
			if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content))}); err != nil {
				t.Fatal(err)
			}
			w.Write(content)
		}
		w.Close()
		path := filepath.Join(dir, "image.tar")
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := files.OpenArchive(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := newDockerArchive(t.Context(), Options{Log: slog.New(slog.DiscardHandler), Compression: "zstd"}, a, ref)
		hostile.Classed(t, err)
		if err != nil {
			return
		}
		defer s.Close()
		i, err := ReadImage(t.Context(), s)
		if err != nil {
			t.Fatalf("the image that was made cannot be read: %v", err)
		}
		for _, d := range i.Blobs {
			content, err := OpenVerified(t.Context(), s, d, nil)
			if err == nil {
				_, err = io.Copy(io.Discard, content)
			}
			if err != nil {
				t.Errorf("what was made is not what the manifest says: %v", err)
			}
		}
	})
}
