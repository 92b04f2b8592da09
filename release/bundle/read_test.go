package bundle

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

var (
	digest = "@sha256:" + strings.Repeat("0123456789abcdef", 4)
	images = map[string]string{
		"github.com/comptech-lab/quay-push/cmd/push-image":     "registry.example.com/push-image" + digest,
		"github.com/comptech-lab/quay-push/cmd/update-overlay": "registry.example.com/update-overlay" + digest,
	}
)

// What is shipped is all there, and it is what the repository has but for the images.
func TestReadWhatIsShipped(t *testing.T) {
	objects, err := Read(root, images)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, o := range objects {
		found[o.File] = o.Kind + " " + o.Name + " " + o.Version
		source, err := os.ReadFile(filepath.Join(root, o.File))
		if err != nil {
			t.Fatal(err)
		}
		want := string(source)
		for program, image := range images {
			want = strings.ReplaceAll(want, "ko://"+program+"\n", image+"\n")
		}
		if diff := cmp.Diff(want, string(o.Content)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", o.File, diff)
		}
	}
	want := map[string]string{
		"tekton/task/build-image-buildah/0.1/build-image-buildah.yaml":     "Task build-image-buildah 0.1",
		"tekton/task/copy-image-quay/0.1/copy-image-quay.yaml":             "Task copy-image-quay 0.1",
		"tekton/task/push-image-quay/0.1/push-image-quay.yaml":             "Task push-image-quay 0.1",
		"tekton/task/update-overlay-digest/0.1/update-overlay-digest.yaml": "Task update-overlay-digest 0.1",
		"tekton/stepaction/push-image/0.1/push-image.yaml":                 "StepAction push-image 0.1",
		"tekton/pipeline/build-and-push-image.yaml":                        "Pipeline build-and-push-image ",
		"tekton/pipeline/build-and-push-quay.yaml":                         "Pipeline build-and-push-quay ",
		"tekton/pipeline/clone-build-and-push-image.yaml":                  "Pipeline clone-build-and-push-image ",
		"tekton/pipeline/clone-build-and-push-quay.yaml":                   "Pipeline clone-build-and-push-quay ",
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every file of tekton/ that is applied is in the bundle: one that is laid elsewhere would be missed.
func TestReadMissesNoFile(t *testing.T) {
	objects, err := Read(root, images)
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	err = fs.WalkDir(os.DirFS(root), "tekton", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml") || strings.HasSuffix(path, ".json") {
			files++
		}
		return err
	})
	if err != nil || files != len(objects) {
		t.Errorf("tekton/ has %d manifests, %v; the bundle has %d", files, err, len(objects))
	}
}

func TestPrograms(t *testing.T) {
	got, err := Programs(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"github.com/comptech-lab/quay-push/cmd/push-image", "github.com/comptech-lab/quay-push/cmd/update-overlay"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What cannot be shipped is refused with the path of its file.
func TestReadRefuses(t *testing.T) {
	const push = "github.com/comptech-lab/quay-push/cmd/push-image"
	for name, test := range map[string]struct {
		edit func(files, images map[string]string)
		want []string
	}{
		"no image":             {func(_, images map[string]string) { delete(images, push) }, []string{"tekton/task/a/0.1/a.yaml", push}},
		"an image by tag":      {func(_, images map[string]string) { images[push] = "registry.example.com/push:v1" }, []string{"tekton/task/a/0.1/a.yaml", "by digest"}},
		"half a digest":        {func(_, images map[string]string) { images[push] = "registry.example.com/push@sha256:0123" }, []string{"tekton/task/a/0.1/a.yaml", "by digest"}},
		"no Pipeline":          {func(files, _ map[string]string) { delete(files, "tekton/pipeline/c.yaml") }, []string{"tekton/pipeline/*.yaml"}},
		"an object of another": {func(files, _ map[string]string) { files["tekton/pipeline/c.yaml"] = "kind: Secret\n" }, []string{"tekton/pipeline/c.yaml", "Secret"}},
		"the same name twice": {func(files, _ map[string]string) { files["tekton/task/z/0.2/z.yaml"] = task("a", "x") },
			[]string{"Task a", "tekton/task/a/0.1/a.yaml", "tekton/task/z/0.2/z.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{
				"tekton/task/a/0.1/a.yaml":       task("a", "ko://"+push),
				"tekton/stepaction/b/0.1/b.yaml": strings.Replace(task("a", "x"), "Task", "StepAction", 1),
				"tekton/pipeline/c.yaml":         strings.Replace(task("a", "x"), "Task", "Pipeline", 1),
			}
			built := maps.Clone(images)
			// As it is, it is taken: three kinds may have one name.
			if objects, err := Read(write(t, files), built); err != nil || len(objects) != 3 {
				t.Fatalf("%d objects, %v", len(objects), err)
			}
			test.edit(files, built)
			_, err := Read(write(t, files), built)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want an error with %q", err, want)
				}
			}
		})
	}
}

// write writes files by their paths below a new directory, and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
