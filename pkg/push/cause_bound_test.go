package push_test

import (
	"archive/tar"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// boundCauses are sources that are more than is taken, or of another form: what helps depends on what is too much, and is possible with
// a source of each kind.
var boundCauses = slices.Concat(
	everywhere("an index in an index", func(f *fixture, dir string) descriptor {
		d := writeImage(f.t, dir, `{"os":"linux"}`, 7)
		for range 6 {
			d = indexOf(f, dir, d)
		}
		return d
	}, "is nested more than 4 deep", "name the images in one index"),
	everywhere("many manifests", func(f *fixture, dir string) descriptor {
		var all []descriptor
		for i := range 501 {
			all = append(all, manifestOf(f.t, dir, map[string]any{"annotations": map[string]string{"n": fmt.Sprint(i)}}))
		}
		return indexOf(f, dir, all...)
	}, "more than 500 manifests", "push its images one by one"),
	everywhere("many layers", func(f *fixture, dir string) descriptor {
		return manifestOf(f.t, dir, map[string]any{"layers": slices.Repeat([]descriptor{addBlob(f.t, dir, mediaLayer, []byte("x"))}, 20_001)})
	}, "more than 20000 elements", "fewer entries"),
	everywhere("a deep document", func(f *fixture, dir string) descriptor {
		return manifestOf(f.t, dir, map[string]any{"x": nested(40)})
	}, "nested more than 32 deep", "fewer entries"),
	everywhere("schema 1", func(f *fixture, dir string) descriptor {
		return manifestOf(f.t, dir, map[string]any{"schemaVersion": 1})
	}, "schemaVersion is 1, not 2", "skopeo copy --format oci SOURCE oci:DIRECTORY"),
	everywhere("an index with layers", func(f *fixture, dir string) descriptor {
		return addJSON(f.t, dir, mediaIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": []descriptor{}, "layers": []descriptor{}})
	}, "an index has a config or layers", "write the image anew as the OCI image spec has it"),
	everywhere("a chart in an index", func(f *fixture, dir string) descriptor {
		return indexOf(f, dir, addBlob(f.t, dir, "application/x-chart", []byte("x")))
	}, "not one that Quay takes for a manifest", "name images and indexes alone"),
	[]cause{
		{"a large manifest of the source", source("GET", "/manifests/", typed(200, mediaManifest, strings.Repeat(" ", 4<<20+1))), failure.ClassSourceRefused, "more than 4194304 bytes", "", "with fewer layers, platforms or annotations"},
		{"a large manifest in a layout", func(f *fixture) {
			writeIndex(f.t, f.layout, descriptor{MediaType: mediaManifest, Digest: digestOf(nil), Size: 4<<20 + 1})
		}, failure.ClassSourceRefused, "has 4194305 bytes, at most", "", "with fewer layers, platforms, labels or annotations"},
		{"a large index.json", func(f *fixture) {
			write(f.t, filepath.Join(f.layout, "index.json"), make([]byte, 4<<20+1))
		}, failure.ClassSourceRefused, "has 4194305 bytes, at most", "", "fewer images into one source"},
		{"a layout of version 2", func(f *fixture) {
			write(f.t, filepath.Join(f.layout, "oci-layout"), []byte(`{"imageLayoutVersion":"2.0.0"}`))
		}, failure.ClassSourceRefused, "does not say imageLayoutVersion 1", "", "a layout of version 1.0.0"},
		{"a file for a directory", func(f *fixture) {
			if err := os.RemoveAll(filepath.Join(f.layout, "blobs")); err != nil {
				f.t.Fatal(err)
			}
			write(f.t, filepath.Join(f.layout, "blobs"), nil)
		}, failure.ClassSourceRefused, "is not a directory but a file", "", "leave the directories themselves"},
		{"a long name in an archive", func(f *fixture) {
			f.archived("oci-archive:", append(entriesOf(f.t, f.layout), tarEntry{name: strings.Repeat("a", 256)})...)
		}, failure.ClassSourceRefused, "a name of 256 bytes", "", "in a directory, not in a tar file"},
		{"an entry that goes upwards", func(f *fixture) {
			f.archived("oci-archive:", append(entriesOf(f.t, f.layout), tarEntry{name: "../x"})...)
		}, failure.ClassSourceRefused, "goes upwards", "", "in a directory, not in a tar file"},
		{"an entry that is there twice", func(f *fixture) {
			f.archived("oci-archive:", append(entriesOf(f.t, f.layout), entriesOf(f.t, f.layout)...)...)
		}, failure.ClassSourceRefused, "has two entries", "", "not append to one that is there"},
		{"a link out of a docker-archive", func(f *fixture) {
			f.archived("docker-archive:", tarEntry{name: "c.json", header: tar.Header{Typeflag: tar.TypeSymlink, Linkname: "/etc/hostname"}},
				tarEntry{name: "manifest.json", content: marshal(f.t, []savedImage{{Config: "c.json"}})})
		}, failure.ClassSourceRefused, "leads out of the archive", "", "in a directory, not in a tar file"},
		{"many layers in a docker-archive", func(f *fixture) {
			f.archived("docker-archive:", tarEntry{name: "manifest.json", content: marshal(f.t, []savedImage{{Config: "c.json", Layers: slices.Repeat([]string{"a.tar"}, 501)}})})
		}, failure.ClassSourceRefused, "names 501 layers, at most 500", "", "fewer layers"},
	},
)

// everywhere are the causes of an image that is refused: in a layout, in an archive of one, and in a registry.
func everywhere(name string, image func(f *fixture, dir string) descriptor, problem, next string) []cause {
	return []cause{
		{name + " in a layout", func(f *fixture) { writeIndex(f.t, f.layout, image(f, f.layout)) }, failure.ClassSourceRefused, problem, "", next},
		{name + " in an archive", func(f *fixture) {
			dir := f.t.TempDir()
			writeIndex(f.t, dir, image(f, dir))
			f.archived("oci-archive:", entriesOf(f.t, dir)...)
		}, failure.ClassSourceRefused, problem, "", next},
		{name + " in a registry", func(f *fixture) {
			dir := f.t.TempDir()
			serves(newUpstream(f.t, f), dir, image(f, dir))
		}, failure.ClassSourceRefused, problem, "", next},
	}
}

// serves makes u serve what is in a layout, and one manifest of it under each tag.
func serves(u upstream, dir string, tagged descriptor) {
	u.Faults.Add(quaytest.Fault{Name: "layout", Method: "GET", Path: "/base/app/", Times: -1, Effect: func(_ *quaytest.Quay, w http.ResponseWriter, r *http.Request, _ http.Handler) {
		digest := path.Base(r.URL.Path)
		if !strings.HasPrefix(digest, "sha256:") {
			digest = tagged.Digest
		}
		body, err := os.ReadFile(blobFile(dir, digest))
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Write(body)
	}})
}

func indexOf(f *fixture, dir string, manifests ...descriptor) descriptor {
	return addJSON(f.t, dir, mediaIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": manifests})
}

func nested(deep int) any {
	if deep == 0 {
		return 0
	}
	return []any{nested(deep - 1)}
}
