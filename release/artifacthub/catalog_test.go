package artifacthub

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/release/bundle"
)

const (
	root   = "../.."
	source = "https://github.com/comptech-lab/quay-push/blob/v1.0.0"
	push   = "registry.example.com/push-image@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// shipped are the objects of tekton/.
func shipped(t *testing.T) []bundle.Object {
	t.Helper()
	objects, err := bundle.Read(root, map[string]string{
		"github.com/comptech-lab/quay-push/cmd/push-image":     push,
		"github.com/comptech-lab/quay-push/cmd/update-overlay": push,
	})
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// files is the catalog of them.
func files(t *testing.T, c Catalog) map[string][]byte {
	t.Helper()
	c.Root, c.Source = root, source
	files, err := c.Files(shipped(t))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// written is the directory that Artifact Hub gets.
func written(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files(t, Catalog{}) {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFilesAreLaidOut(t *testing.T) {
	catalog := files(t, Catalog{})
	got := slices.Sorted(maps.Keys(catalog))
	want := []string{"stepaction/artifacthub-repo.yml", "task/artifacthub-repo.yml"}
	for _, at := range []string{"stepaction/push-image/0.1/", "task/build-image-buildah/0.1/", "task/copy-image-quay/0.1/", "task/push-image-quay/0.1/", "task/update-overlay-digest/0.1/"} {
		name := strings.Split(at, "/")[1] + ".yaml"
		want = append(want, at+"README.md", at+name, at+"samples/"+name)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, o := range shipped(t) {
		if o.Kind == "Pipeline" {
			continue
		}
		if content := catalog[path.Join(strings.ToLower(o.Kind), o.Name, o.Version, o.Name+".yaml")]; string(content) != string(o.Content) {
			t.Errorf("%s is not as it is in the bundle", o.File)
		}
	}
}

func TestMetadata(t *testing.T) {
	const id = "7f5b1b1e-9a0c-4a54-8a6e-0f1f3f5f7a90"
	told := files(t, Catalog{IDs: map[string]string{"task": id}, Owners: []Owner{{Name: "platform", Email: "platform@example.com"}}})
	untold := files(t, Catalog{})
	const owners = "owners:\n- email: platform@example.com\n  name: platform\n"
	for _, test := range []struct {
		name, got, want string
	}{
		{"task", string(told["task/artifacthub-repo.yml"]), owners + "repositoryID: " + id + "\n"},
		{"stepaction", string(told["stepaction/artifacthub-repo.yml"]), owners},
		// One in which there is nothing is an error of Artifact Hub's.
		{"untold", string(untold["task/artifacthub-repo.yml"]), "owners: []\n"},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", test.name, test.got, test.want)
		}
	}
}

// What would be refused, or would be missed, is an error with its file.
func TestFilesRefuses(t *testing.T) {
	task := func(edit func(*bundle.Object)) bundle.Object {
		objects := shipped(t)
		object := objects[slices.IndexFunc(objects, func(o bundle.Object) bool { return o.Name == "push-image-quay" })]
		edit(&object)
		return object
	}
	for name, test := range map[string]struct {
		object bundle.Object
		want   string
	}{
		"no version": {task(func(o *bundle.Object) { o.Version = "" }), "app.kubernetes.io/version"},
		"no sample":  {task(func(o *bundle.Object) { o.Name = "new" }), "sample/task/new.yaml"},
		"no README":  {task(func(o *bundle.Object) { o.File = "tekton/pipeline/new.yaml" }), "tekton/pipeline/README.md"},
	} {
		_, err := Catalog{Root: root, Source: source}.Files([]bundle.Object{test.object})
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.object.File) {
			t.Errorf("%s: %v, want an error with %q and the file", name, err, test.want)
		}
	}
	if files, err := (Catalog{Root: root, Source: source}).Files([]bundle.Object{task(func(*bundle.Object) {})}); err != nil || len(files) != 4 {
		t.Errorf("as it is: %d files, %v", len(files), err)
	}
}
