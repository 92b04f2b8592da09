package push_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// Each row spoils a good layout. Nothing may be tagged and no result may be left, whichever way it is bad.
func TestBadSource(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, dir string, image descriptor)
		class failure.Class
		text  string
	}{
		{"a missing blob", func(t *testing.T, dir string, image descriptor) {
			remove(t, blobFile(dir, layers(t, dir, image)[1].Digest))
		}, failure.ClassSourceMissing, "is missing"},
		{"a truncated blob", func(t *testing.T, dir string, image descriptor) {
			if err := os.Truncate(blobFile(dir, layers(t, dir, image)[1].Digest), 10); err != nil {
				t.Fatal(err)
			}
		}, failure.ClassSourceCorrupt, "has 10 bytes, its descriptor says 1300000"},
		{"a longer blob", func(t *testing.T, dir string, image descriptor) {
			if err := os.Truncate(blobFile(dir, layers(t, dir, image)[1].Digest), large+1); err != nil {
				t.Fatal(err)
			}
		}, failure.ClassSourceCorrupt, "has 1300001 bytes"},
		{"a swapped large blob", func(t *testing.T, dir string, image descriptor) {
			write(t, blobFile(dir, layers(t, dir, image)[1].Digest), bytes.Repeat([]byte("x"), large))
		}, failure.ClassSourceCorrupt, "hashes to"},
		{"a swapped small blob", func(t *testing.T, dir string, image descriptor) {
			write(t, blobFile(dir, layers(t, dir, image)[0].Digest), bytes.Repeat([]byte("x"), small))
		}, failure.ClassSourceCorrupt, "hashes to"},
		{"a swapped manifest", func(t *testing.T, dir string, image descriptor) {
			write(t, blobFile(dir, image.Digest), bytes.Repeat([]byte(" "), int(image.Size)))
		}, failure.ClassSourceCorrupt, "hashes to"},
		{"a blob that is a symbolic link", func(t *testing.T, dir string, image descriptor) {
			link(t, "/etc/hostname", blobFile(dir, layers(t, dir, image)[0].Digest))
		}, failure.ClassSourceRefused, "not a regular file but a symbolic link"},
		{"a link to a good blob", func(t *testing.T, dir string, image descriptor) {
			file := blobFile(dir, layers(t, dir, image)[0].Digest)
			if err := os.Rename(file, file+"x"); err != nil {
				t.Fatal(err)
			}
			link(t, filepath.Base(file)+"x", file)
		}, failure.ClassSourceRefused, "symbolic link"},
		{"a linked index", func(t *testing.T, dir string, _ descriptor) {
			link(t, "/etc/hostname", filepath.Join(dir, "index.json"))
		}, failure.ClassSourceRefused, "symbolic link"},
		{"a linked directory of blobs", func(t *testing.T, dir string, _ descriptor) {
			if err := os.Rename(filepath.Join(dir, "blobs"), filepath.Join(dir, "elsewhere")); err != nil {
				t.Fatal(err)
			}
			link(t, "elsewhere", filepath.Join(dir, "blobs"))
		}, failure.ClassSourceRefused, "not a directory but a symbolic link"},
		{"a pipe in place of a blob", func(t *testing.T, dir string, image descriptor) {
			file := blobFile(dir, layers(t, dir, image)[0].Digest)
			remove(t, file)
			if err := syscall.Mkfifo(file, 0o644); err != nil {
				t.Fatal(err)
			}
		}, failure.ClassSourceRefused, "special file"},
		{"an index that points outside", func(t *testing.T, dir string, image descriptor) {
			image.Digest = "sha256:../../../../../../etc/passwd"
			writeIndex(t, dir, image)
		}, failure.ClassSourceCorrupt, "not an index"},
		{"a layer that points outside", func(t *testing.T, dir string, _ descriptor) {
			writeManifest(t, dir, nil, []descriptor{{MediaType: mediaLayer, Digest: "sha256:/etc/passwd", Size: 3}})
		}, failure.ClassSourceCorrupt, "not a manifest"},
		{"a subject that points outside", func(t *testing.T, dir string, _ descriptor) {
			writeManifest(t, dir, map[string]any{"subject": descriptor{MediaType: mediaManifest, Digest: "sha256:../x", Size: 3}}, []descriptor{})
		}, failure.ClassSourceCorrupt, "not a manifest"},
		{"another algorithm", func(t *testing.T, dir string, _ descriptor) {
			writeManifest(t, dir, nil, []descriptor{{MediaType: mediaLayer, Digest: "sha512:" + strings.Repeat("0", 128), Size: 3}})
		}, failure.ClassSourceRefused, "sha512"},
		{"a foreign layer", func(t *testing.T, dir string, _ descriptor) {
			d := addBlob(t, dir, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", []byte("x"))
			writeManifest(t, dir, nil, []descriptor{d})
		}, failure.ClassSourceRefused, "foreign layer"},
		{"a layer with a URL", func(t *testing.T, dir string, _ descriptor) {
			d := addBlob(t, dir, mediaLayer, []byte("x"))
			d.URLs = []string{"https://169.254.169.254/"}
			writeManifest(t, dir, nil, []descriptor{d})
		}, failure.ClassSourceRefused, "foreign layer"},
		{"a negative size", func(t *testing.T, dir string, _ descriptor) {
			d := addBlob(t, dir, mediaLayer, []byte("x"))
			d.Size = -1
			writeManifest(t, dir, nil, []descriptor{d})
		}, failure.ClassSourceCorrupt, "the size -1"},
		{"two sizes for one blob", func(t *testing.T, dir string, _ descriptor) {
			d := addBlob(t, dir, mediaLayer, []byte("x"))
			other := d
			other.Size = 2
			writeManifest(t, dir, nil, []descriptor{d, other})
		}, failure.ClassSourceCorrupt, "two sizes, 1 and 2 bytes"},
		{"a manifest of more than 4 MiB", func(t *testing.T, dir string, _ descriptor) {
			writeIndex(t, dir, addBlob(t, dir, mediaManifest, bytes.Repeat([]byte(" "), 4<<20+1)))
		}, failure.ClassSourceRefused, "at most 4194304 are read"},
		{"an index.json of more than 4 MiB", func(t *testing.T, dir string, _ descriptor) {
			write(t, filepath.Join(dir, "index.json"), bytes.Repeat([]byte(" "), 4<<20+1))
		}, failure.ClassSourceRefused, "at most 4194304 are read"},
		{"a manifest that is an index, too", func(t *testing.T, dir string, image descriptor) {
			writeManifest(t, dir, map[string]any{"manifests": []descriptor{image}}, nil)
		}, failure.ClassSourceRefused, "an image manifest has manifests"},
		{"an index with layers", func(t *testing.T, dir string, image descriptor) {
			writeIndex(t, dir, addJSON(t, dir, mediaIndex, map[string]any{"schemaVersion": 2, "layers": []descriptor{image}}))
		}, failure.ClassSourceRefused, "an index has a config or layers"},
		{"two media types for one manifest", func(t *testing.T, dir string, image descriptor) {
			image.MediaType = mediaIndex
			writeIndex(t, dir, image)
		}, failure.ClassSourceRefused, "the manifest says it is"},
		{"a manifest without config", func(t *testing.T, dir string, _ descriptor) {
			writeIndex(t, dir, addJSON(t, dir, mediaManifest, map[string]any{"schemaVersion": 2}))
		}, failure.ClassSourceCorrupt, "no config"},
		{"Docker schema 1", func(t *testing.T, dir string, _ descriptor) {
			writeIndex(t, dir, addJSON(t, dir, "application/vnd.docker.distribution.manifest.v1+json", map[string]any{"schemaVersion": 1}))
		}, failure.ClassSourceRefused, "schemaVersion is 1"},
		{"zstd in a Docker manifest", func(t *testing.T, dir string, _ descriptor) {
			const docker = "application/vnd.docker.distribution.manifest.v2+json"
			zstd := addBlob(t, dir, "application/vnd.oci.image.layer.v1.tar+zstd", []byte("x"))
			config := addBlob(t, dir, "application/vnd.docker.container.image.v1+json", []byte("{}"))
			writeIndex(t, dir, addJSON(t, dir, docker, map[string]any{"schemaVersion": 2, "mediaType": docker, "config": config, "layers": []descriptor{zstd}}))
		}, failure.ClassSourceRefused, "zstd in a Docker manifest"},
		{"more after the manifest", func(t *testing.T, dir string, _ descriptor) {
			writeIndex(t, dir, addBlob(t, dir, mediaManifest, []byte(`{"schemaVersion":2} {}`)))
		}, failure.ClassSourceCorrupt, "after top-level value"},
		{"an index within itself, very deep", func(t *testing.T, dir string, image descriptor) {
			for range 6 {
				image = addJSON(t, dir, mediaIndex, map[string]any{"schemaVersion": 2, "manifests": []descriptor{image}})
			}
			writeIndex(t, dir, image)
		}, failure.ClassSourceRefused, "nested more than 4 deep"},
		{"too many manifests", func(t *testing.T, dir string, image descriptor) {
			many := make([]descriptor, 501)
			for i := range many {
				many[i] = image
			}
			writeIndex(t, dir, many...)
		}, failure.ClassSourceRefused, "names 501 manifests"},
		{"no image", func(t *testing.T, dir string, _ descriptor) { writeIndex(t, dir) }, failure.ClassSourceMissing, "has no image"},
		{"no index.json", func(t *testing.T, dir string, _ descriptor) { remove(t, filepath.Join(dir, "index.json")) }, failure.ClassSourceMissing, "is missing"},
		{"no oci-layout", func(t *testing.T, dir string, _ descriptor) { remove(t, filepath.Join(dir, "oci-layout")) }, failure.ClassSourceMissing, "oci-layout"},
		{"another version of the layout", func(t *testing.T, dir string, _ descriptor) {
			write(t, filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"2.0.0"}`))
		}, failure.ClassSourceRefused, "imageLayoutVersion"},
		{"no blobs", func(t *testing.T, dir string, _ descriptor) {
			if err := os.RemoveAll(filepath.Join(dir, "blobs")); err != nil {
				t.Fatal(err)
			}
		}, failure.ClassSourceMissing, `no "blobs"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			image := writeLayout(t, f.layout, small, large)
			test.spoil(t, f.layout, image)
			if reason := f.fail(test.class); !strings.Contains(reason.Error(), test.text) {
				t.Errorf("the error is %q, want %q in it", reason, test.text)
			}
		})
	}
}

func TestSourceThatIsNotALayout(t *testing.T) {
	f := newFixture(t)
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, []byte("x"))
	linked := filepath.Join(t.TempDir(), "link")
	link(t, f.layout, linked)
	for source, class := range map[string]failure.Class{
		"":                              failure.ClassUsage,
		file:                            failure.ClassSourceCorrupt,
		"oci:" + file:                   failure.ClassSourceRefused,
		"oci:" + linked:                 failure.ClassSourceRefused,
		filepath.Join(file, "none"):     failure.ClassSourceMissing,
		"oci:" + file + "none":          failure.ClassSourceMissing,
		"oci:":                          failure.ClassSourceMissing,
		"oci:" + filepath.Dir(f.layout): failure.ClassSourceMissing,
	} {
		f.opts.Source = source
		f.fail(class)
	}
	if n := len(f.Requests()); n > 0 {
		t.Errorf("%d requests for sources that cannot be read", n)
	}
}

// writeManifest replaces the layout's image by one with the given layers and further members.
func writeManifest(t *testing.T, dir string, more map[string]any, layers []descriptor) {
	t.Helper()
	manifest := map[string]any{"schemaVersion": 2, "mediaType": mediaManifest, "config": addBlob(t, dir, mediaConfig, []byte("{}")), "layers": layers}
	for name, value := range more {
		manifest[name] = value
	}
	body, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	writeIndex(t, dir, addBlob(t, dir, mediaManifest, body))
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// link replaces path by a symbolic link.
func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}
