package bundle

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Each object comes out under its annotations as it went in, as the resolver looks for it.
func TestImage(t *testing.T) {
	objects, err := Read(root, images)
	if err != nil {
		t.Fatal(err)
	}
	image, err := Image(Contents(objects))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, o := range objects {
		want[o.APIVersion+" "+strings.ToLower(o.Kind)+" "+o.Name] = string(o.Content)
	}
	if diff := cmp.Diff(want, entries(t, image)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if manifest.MediaType != types.OCIManifestSchema1 || manifest.Config.MediaType != types.OCIConfigJSON || manifest.Layers[0].MediaType != types.OCILayer {
		t.Errorf("media types %q, %q, %q", manifest.MediaType, manifest.Config.MediaType, manifest.Layers[0].MediaType)
	}
}

// entries returns the one file of each layer by the layer's annotations: apiVersion, kind and name.
func entries(t *testing.T, image v1.Image) map[string]string {
	t.Helper()
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, descriptor := range manifest.Layers {
		layer, err := image.LayerByDigest(descriptor.Digest)
		if err != nil {
			t.Fatal(err)
		}
		content, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		archive := tar.NewReader(content)
		header, err := archive.Next()
		if err != nil {
			t.Fatal(err)
		}
		file, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: another file, %v", header.Name, err)
		}
		a := descriptor.Annotations
		if len(a) != 3 || header.Name != a["dev.tekton.image.name"] {
			t.Errorf("file %q has the annotations %v", header.Name, a)
		}
		found[a["dev.tekton.image.apiVersion"]+" "+a["dev.tekton.image.kind"]+" "+a["dev.tekton.image.name"]] = string(file)
	}
	return found
}

// The same objects are the same bytes, in whatever order they come; other objects are others.
func TestImageIsReproducible(t *testing.T) {
	objects := [][]byte{[]byte(task("a", "x")), []byte(task("b", "x")), []byte(strings.Replace(task("a", "x"), "Task", "Pipeline", 1))}
	// Set down when it was made: a byte of the time or the machine would change it. Go compresses; another Go may do it in another way.
	const want = "sha256:3a28901faf64302634f037c677bc7cd60a8787b9d176cd1f07a1e0f53f2ae797"
	for range 2 {
		slices.Reverse(objects)
		image, err := Image(objects)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := image.Digest(); err != nil || got.String() != want {
			t.Errorf("digest %s, %v; want %s", got, err, want)
		}
	}
	image, err := Image(objects[:2])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := image.Digest(); err != nil || got.String() == want {
		t.Errorf("digest %s, %v of fewer objects", got, err)
	}
}

func TestImageRefuses(t *testing.T) {
	if _, err := Image([][]byte{[]byte(task("a", "x")), []byte("kind: Secret")}); err == nil || !strings.Contains(err.Error(), `"object 2"`) {
		t.Errorf("%v, want an error with the second object", err)
	}
	_, err := Image([][]byte{[]byte(task("a", "x")), []byte(task("b", "x")), []byte(task("a", "y"))})
	if err == nil || !strings.Contains(err.Error(), `Task a is in "object 1" and in "object 3"`) {
		t.Errorf("%v, want an error with both objects", err)
	}
}

// Tekton's resolver takes as many objects as we do, and no more.
func TestImageHasALimit(t *testing.T) {
	objects := make([][]byte, most)
	for i := range objects {
		objects[i] = []byte(task(fmt.Sprint("t", i), "x"))
	}
	if _, err := Image(objects); err != nil {
		t.Errorf("%d objects: %v", len(objects), err)
	}
	if _, err := Image(append(objects, []byte(task("more", "x")))); err == nil || !strings.Contains(err.Error(), "21 objects") {
		t.Errorf("%v, want an error with their number", err)
	}
	module, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/tektoncd/pipeline").Output()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)), "pkg/resolution/resolver/bundle/bundle.go"))
	if err != nil {
		t.Fatal(err)
	}
	limit := regexp.MustCompile(`MaximumBundleObjects = (\d+)`).FindSubmatch(source)
	if limit == nil || string(limit[1]) != fmt.Sprint(most) {
		t.Errorf("Tekton has the limit %q, we have %d", limit, most)
	}
}
