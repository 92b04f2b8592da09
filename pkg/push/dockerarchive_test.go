package push_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

const mediaZstd = "application/vnd.oci.image.layer.v1.tar+zstd"

// savedImage is one of a docker-archive's manifest.json.
type savedImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// savedConfig is an image config whose layers, without compression, have the given contents.
func savedConfig(t testing.TB, contents ...[]byte) []byte {
	t.Helper()
	diffIDs := []string{}
	for _, content := range contents {
		diffIDs = append(diffIDs, digestOf(content))
	}
	return marshal(t, map[string]any{"os": "linux", "architecture": "amd64", "rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs}})
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// layerOf is a layer of size bytes that compresses well.
func layerOf(seed byte, size int) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("layer %d ", seed)), size/8+1)[:size]
}

func gzipped(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zstandard compresses content as a stream, for which a reader needs a window of the given size.
func zstandard(t testing.TB, content []byte, window int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(window))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	// The size of what is flushed before its end is not in the header, so the window is.
	if err := errors.Join(w.Flush(), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// stored reads a blob of team-a/app as another client would.
func (f *fixture) stored(digest string) []byte {
	f.t.Helper()
	get := func(path, authorization string) []byte {
		r, err := http.NewRequest(http.MethodGet, f.URL()+path, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		if r.Header.Set("Authorization", authorization); authorization == "" {
			r.SetBasicAuth("team-a+ci", f.token)
		}
		answer, err := f.Client().Do(r)
		if err != nil {
			f.t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			f.t.Fatalf("GET %s: %d %s (%v)", path, answer.StatusCode, body, err)
		}
		return body
	}
	var reply struct{ Token string }
	if err := json.Unmarshal(get("/v2/auth?scope=repository:team-a/app:pull&service="+f.Host(), ""), &reply); err != nil {
		f.t.Fatal(err)
	}
	return get("/v2/team-a/app/blobs/"+digest, "Bearer "+reply.Token)
}

// pushedManifest is the manifest under tag v1.
func (f *fixture) pushedManifest() (m struct {
	Config descriptor
	Layers []descriptor
}) {
	f.t.Helper()
	body, mediaType, ok := f.Manifest("team-a/app", "v1")
	if !ok || mediaType != mediaManifest {
		f.t.Fatalf("the manifest is of type %q", mediaType)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		f.t.Fatal(err)
	}
	return m
}

// Layers are compressed, those that are compressed already stay as they are, and the config stays as it is.
func TestDockerArchive(t *testing.T) {
	for _, transport := range []string{"docker-archive:", ""} {
		f := newFixture(t)
		scratch := t.TempDir()
		t.Setenv("TMPDIR", scratch)
		plain, tiny, inGzip, inZstd := layerOf(1, 2_500_000), layerOf(2, 10), layerOf(3, 5000), layerOf(4, 5000)
		packed, packedZstd := gzipped(t, inGzip), zstandard(t, inZstd, 1<<20)
		config := savedConfig(t, plain, tiny, inGzip, inZstd, plain)
		f.archived(transport,
			tarEntry{name: "a.tar", content: plain}, tarEntry{name: "b/layer.tar", content: tiny},
			tarEntry{name: "c.tar", content: packed}, tarEntry{name: "d.tar", content: packedZstd},
			tarEntry{name: "config.json", content: config},
			tarEntry{name: "manifest.json", content: marshal(t, []savedImage{{Config: "config.json", Layers: []string{"a.tar", "b/layer.tar", "c.tar", "d.tar", "a.tar"}}})})
		result := f.push()
		m := f.pushedManifest()
		if got := f.stored(m.Config.Digest); !bytes.Equal(got, config) || m.Config.MediaType != mediaConfig {
			t.Errorf("the config is %q of type %q, want %q", got, m.Config.MediaType, config)
		}
		var types []string
		for _, l := range m.Layers {
			types = append(types, l.MediaType)
		}
		if diff := cmp.Diff([]string{mediaLayer, mediaLayer, mediaLayer, mediaZstd, mediaLayer}, types); diff != "" {
			t.Fatalf("layers (-want +got):\n%s", diff)
		}
		for i, want := range [][]byte{plain, tiny} {
			reader, err := gzip.NewReader(bytes.NewReader(f.stored(m.Layers[i].Digest)))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(reader); err != nil || !bytes.Equal(got, want) {
				t.Errorf("layer %d has other content (%v)", i, err)
			}
		}
		if m.Layers[2].Digest != digestOf(packed) || m.Layers[3].Digest != digestOf(packedZstd) || m.Layers[4].Digest != m.Layers[0].Digest {
			t.Errorf("the layers are %v", m.Layers)
		}
		f.ForgetRequests()
		if again := f.push(); again.Digest != result.Digest || f.count("PUT", "") > 0 {
			t.Errorf("a second push has digest %s and %d PUTs, want %s and none", again.Digest, f.count("PUT", ""), result.Digest)
		}
		if left, _ := os.ReadDir(scratch); len(left) > 0 {
			t.Errorf("the push left %v", left)
		}
	}
}

// Docker before 25 links a layer that is there already, buildah links every layer once more.
func TestDockerArchiveWithLinks(t *testing.T) {
	f := newFixture(t)
	layer := layerOf(1, 5000)
	f.archived("docker-archive:",
		tarEntry{name: "a/layer.tar", content: layer},
		tarEntry{name: "b/layer.tar", header: tar.Header{Typeflag: tar.TypeSymlink, Linkname: "../a/layer.tar"}},
		tarEntry{name: "c/layer.tar", header: tar.Header{Typeflag: tar.TypeLink, Linkname: "b/layer.tar"}},
		tarEntry{name: "unused", header: tar.Header{Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}},
		tarEntry{name: "config.json", content: savedConfig(t, layer, layer, layer)},
		tarEntry{name: "manifest.json", content: marshal(t, []savedImage{{Config: "config.json", Layers: []string{"a/layer.tar", "b/layer.tar", "c/layer.tar"}}})})
	f.push()
	if m := f.pushedManifest(); len(m.Layers) != 3 || m.Layers[1].Digest != m.Layers[0].Digest || m.Layers[2].Digest != m.Layers[0].Digest {
		t.Errorf("the layers are %v", m.Layers)
	}
	if n := strings.Count(f.log.String(), "compressed a layer"); n != 1 {
		t.Errorf("the layer was compressed %d times", n)
	}
}

func TestDockerArchiveWithRef(t *testing.T) {
	f := newFixture(t)
	one, two := savedConfig(t), savedConfig(t, layerOf(1, 10))
	file := f.archived("docker-archive:",
		tarEntry{name: "a.tar", content: layerOf(1, 10)},
		tarEntry{name: "one.json", content: one}, tarEntry{name: "two.json", content: two},
		tarEntry{name: "manifest.json", content: marshal(t, []savedImage{
			{Config: "one.json", RepoTags: []string{"localhost/app:v1"}},
			{Config: "two.json", RepoTags: []string{"localhost/app:v2", "localhost/app:latest"}, Layers: []string{"a.tar"}}})})
	f.fail(failure.ClassSourceRefused)
	f.opts.Source += ":localhost/app:v3"
	f.fail(failure.ClassSourceMissing)
	for _, transport := range []string{"docker-archive:", ""} {
		f.opts.Source = transport + file + ":localhost/app:latest"
		f.push()
		if got := f.pushedManifest().Config.Digest; got != digestOf(two) {
			t.Errorf("the config is %s, want that of the second image", got)
		}
		remove(t, filepath.Join(f.results, "IMAGE_URL"))
	}
}

// A name that two images have is no next step, written in full or not: their places are.
func TestDockerArchiveWithANameOfTwoImages(t *testing.T) {
	one, two := savedConfig(t), savedConfig(t, layerOf(1, 10))
	for _, ref := range []string{"app:v1", "docker.io/library/app:v1"} {
		f := newFixture(t)
		file := f.archived("docker-archive:",
			tarEntry{name: "a.tar", content: layerOf(1, 10)},
			tarEntry{name: "one.json", content: one}, tarEntry{name: "two.json", content: two},
			tarEntry{name: "manifest.json", content: marshal(t, []savedImage{
				{Config: "one.json", RepoTags: []string{"app:v1"}}, {Config: "two.json", RepoTags: []string{"app:v1", "app:v2"}, Layers: []string{"a.tar"}}})})
		f.opts.Source = "docker-archive:" + file + ":" + ref
		reason := f.fail(failure.ClassSourceRefused)
		if want := fmt.Sprintf(`has 2 images named %q: ":@0 (%s)", ":@1 (%s)"`, ref, digestOf(one), digestOf(two)); !strings.HasSuffix(reason.Problem, want) {
			t.Errorf("the problem is %q, want %q at its end", reason.Problem, want)
		}
		if strings.Contains(reason.Next, "RepoTags") || strings.Contains(reason.Next, "sha256") || !strings.Contains(reason.Next, ":@N") {
			t.Errorf("the next step is %q", reason.Next)
		}
		f.opts.Source = "docker-archive:" + file + ":@1"
		f.push()
		if got := f.pushedManifest().Config.Digest; got != digestOf(two) {
			t.Errorf("the config is %s, want that of the second image", got)
		}
	}
}

// What Docker 25 saves is a layout with a manifest.json: a layout keeps its digest.
func TestDockerArchiveThatIsALayout(t *testing.T) {
	f := newFixture(t)
	image := writeLayout(t, f.layout, small)
	f.archived("", append(entriesOf(t, f.layout), tarEntry{name: "manifest.json", content: []byte(`[]`)})...)
	if result := f.push(); result.Digest != image.Digest {
		t.Errorf("Push = %s, want %s", result.Digest, image.Digest)
	}
}

// Each row spoils a good archive.
func TestBadDockerArchive(t *testing.T) {
	layer := layerOf(1, 5000)
	link := func(target string) tarEntry {
		return tarEntry{name: "a.tar", header: tar.Header{Typeflag: tar.TypeSymlink, Linkname: target}}
	}
	manifest := func(text string) []tarEntry { return []tarEntry{{name: "manifest.json", content: []byte(text)}} }
	for _, test := range []struct {
		name  string
		spoil []tarEntry
		class failure.Class
		text  string
	}{
		{"other content", []tarEntry{{name: "a.tar", content: layerOf(2, 5000)}}, failure.ClassSourceCorrupt, "hashes to"},
		{"other compressed content", []tarEntry{{name: "a.tar", content: gzipped(t, layerOf(2, 5000))}}, failure.ClassSourceCorrupt, "hashes to"},
		{"half a gzip stream", []tarEntry{{name: "a.tar", content: gzipped(t, layer)[:40]}}, failure.ClassSourceCorrupt, "cannot be decompressed"},
		{"more after the gzip stream", []tarEntry{{name: "a.tar", content: append(gzipped(t, layer), 'x')}}, failure.ClassSourceCorrupt, "cannot be decompressed"},
		{"half a zstd stream", []tarEntry{{name: "a.tar", content: zstandard(t, layer, 1<<20)[:20]}}, failure.ClassSourceCorrupt, "cannot be decompressed"},
		{"zstd that needs much memory", []tarEntry{{name: "a.tar", content: zstandard(t, layer, 16<<20)}}, failure.ClassSourceCorrupt, "window size"},
		{"bzip2", []tarEntry{{name: "a.tar", content: []byte("BZh91AY&SY")}}, failure.ClassSourceRefused, "bzip2, which OCI does not define"},
		{"a missing layer", []tarEntry{{name: "a.tar", header: tar.Header{Typeflag: tar.TypeDir}}}, failure.ClassSourceMissing, "is missing"},
		{"a link out of the archive", []tarEntry{link("../../etc/hostname")}, failure.ClassSourceRefused, "leads out of the archive"},
		{"an absolute link", []tarEntry{link("/etc/hostname")}, failure.ClassSourceRefused, "leads out of the archive"},
		{"a link to itself", []tarEntry{link("a.tar")}, failure.ClassSourceRefused, "more than 8 links"},
		{"a link to nothing", []tarEntry{link("b.tar")}, failure.ClassSourceMissing, "is missing"},
		{"a pipe", []tarEntry{{name: "a.tar", header: tar.Header{Typeflag: tar.TypeFifo}}}, failure.ClassSourceRefused, "special file"},
		{"a layer less than the config says", []tarEntry{{name: "config.json", content: savedConfig(t, layer, layer)}}, failure.ClassSourceCorrupt, "2 diff_ids, the image 1 layers"},
		{"a config that is none", []tarEntry{{name: "config.json", content: []byte("x")}}, failure.ClassSourceCorrupt, "not an image config"},
		{"a config that is too large", []tarEntry{{name: "config.json", content: make([]byte, 4<<20+1)}}, failure.ClassSourceRefused, "at most 4194304 are read"},
		{"a diff_id that leads outside", []tarEntry{{name: "config.json", content: []byte(`{"rootfs":{"diff_ids":["sha256:../../x"]}}`)}}, failure.ClassSourceCorrupt, "not an image config"},
		{"no list of images", manifest(`{}`), failure.ClassSourceCorrupt, "not a list of images"},
		{"no image", manifest(`[]`), failure.ClassSourceMissing, "has no image"},
		{"a list of images that is too large", manifest(strings.Repeat(" ", 4<<20+1)), failure.ClassSourceRefused, "at most 4194304 are read"},
		{"a config outside", manifest(`[{"Config":"../config.json","Layers":["a.tar"]}]`), failure.ClassSourceMissing, "is missing"},
		{"too many layers", manifest(`[{"Config":"config.json","Layers":["a.tar"` + strings.Repeat(`,"a.tar"`, 500) + `]}]`), failure.ClassSourceRefused, "501 layers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			entries := map[string]tarEntry{}
			for _, e := range append([]tarEntry{
				{name: "a.tar", content: layer}, {name: "config.json", content: savedConfig(t, layer)},
				{name: "manifest.json", content: marshal(t, []savedImage{{Config: "config.json", Layers: []string{"a.tar"}}})},
			}, test.spoil...) {
				entries[e.name] = e
			}
			f.archived("docker-archive:", entries["a.tar"], entries["config.json"], entries["manifest.json"])
			if reason := f.fail(test.class); !strings.Contains(reason.Error(), test.text) {
				t.Errorf("the error is %q, want %q in it", reason, test.text)
			}
			if n := len(f.Requests()); n > 0 {
				t.Errorf("%d requests for a source that cannot be read", n)
			}
		})
	}
}

// A read-only root file system has no /tmp: only a docker-archive needs one.
func TestDockerArchiveWithoutScratchSpace(t *testing.T) {
	f := newFixture(t)
	layer := layerOf(1, 5000)
	f.archived("docker-archive:", tarEntry{name: "a.tar", content: layer}, tarEntry{name: "config.json", content: savedConfig(t, layer)},
		tarEntry{name: "manifest.json", content: marshal(t, []savedImage{{Config: "config.json", Layers: []string{"a.tar"}}})})
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	if reason := f.fail(failure.ClassNoScratch); !strings.Contains(reason.Error(), "emptyDir") {
		t.Errorf("the error is %q", reason)
	}
}
