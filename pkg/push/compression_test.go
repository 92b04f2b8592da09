package push_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/comptech-lab/quay-push/pkg/push"
)

// With --compression zstd what is not compressed is zstd, any reader gets back what went in, and the rest stays as it is. The image is
// OCI's, the same each time, and another one than with gzip.
func TestCompressionZstd(t *testing.T) {
	f := newFixture(t)
	plain, inGzip := layerOf(1, 2_500_000), layerOf(3, 5000)
	packed := gzipped(t, inGzip)
	f.archived("docker-archive:",
		tarEntry{name: "a.tar", content: plain}, tarEntry{name: "b.tar", content: packed}, tarEntry{name: "c.tar", content: nil},
		tarEntry{name: "config.json", content: savedConfig(t, plain, inGzip, nil)},
		tarEntry{name: "manifest.json", content: marshal(t, []savedImage{{Config: "config.json", Layers: []string{"a.tar", "b.tar", "c.tar"}}})})
	inDefault := f.push()
	f.opts.Compression = "gzip"
	if result := f.push(); result.Digest != inDefault.Digest {
		t.Errorf("with gzip the digest is %s, without a flag %s", result.Digest, inDefault.Digest)
	}
	f.opts.Compression = "zstd"
	result := f.push()
	if result.Digest == inDefault.Digest {
		t.Errorf("with zstd the digest is that with gzip")
	}
	m := f.pushedManifest()
	var types []string
	for _, l := range m.Layers {
		types = append(types, l.MediaType)
	}
	if diff := cmp.Diff([]string{mediaZstd, mediaLayer, mediaZstd}, types); diff != "" {
		t.Fatalf("layers (-want +got):\n%s", diff)
	}
	if m.Layers[1].Digest != digestOf(packed) {
		t.Errorf("the layer in gzip is %s, want it as it is", m.Layers[1].Digest)
	}
	reader, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for i, want := range map[int][]byte{0: plain, 2: nil} {
		if got, err := reader.DecodeAll(f.stored(m.Layers[i].Digest), nil); err != nil || !bytes.Equal(got, want) {
			t.Errorf("layer %d has %d bytes, want %d (%v)", i, len(got), len(want), err)
		}
	}
	f.ForgetRequests()
	if again := f.push(); again.Digest != result.Digest || f.count("PUT", "") > 0 {
		t.Errorf("a second push has digest %s and %d PUTs, want %s and none", again.Digest, f.count("PUT", ""), result.Digest)
	}
}

// What is no docker-archive keeps its bytes, and the log says that the flag was for nothing; the default says nothing.
func TestCompressionOfALayout(t *testing.T) {
	for compression, told := range map[string]int{"zstd": 1, "gzip": 0, "": 0} {
		f := newFixture(t)
		image := writeLayout(t, f.layout, small, large)
		f.opts.Compression = compression
		if result := f.push(); result.Digest != image.Digest {
			t.Errorf("%q: the digest is %s, want %s", compression, result.Digest, image.Digest)
		}
		if n := strings.Count(f.log.String(), "--compression is for the layers of a docker-archive: this source goes as it is"); n != told {
			t.Errorf("%q: the log says so %d times", compression, n)
		}
	}
}

// An empty param of the Task is the default.
func TestCompressionFlag(t *testing.T) {
	for given, want := range map[string]string{"--compression=": "", "--compression=zstd": "zstd", "--jobs=1": "gzip"} {
		var o push.Options
		if err := o.Parse([]string{given}, os.Stderr); err != nil || o.Compression != want {
			t.Errorf("%s: %q, %v", given, o.Compression, err)
		}
	}
	f := newFixture(t)
	f.opts.Compression = ""
	f.push()
}
