package manifest_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/comptech-lab/quay-push/release/manifest"
	"github.com/comptech-lab/quay-push/release/releasetest"
)

const module = "github.com/comptech-lab/quay-push/"

// tree writes files below a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for _, parent := range []string{"config", "tekton"} {
		if err := os.Mkdir(filepath.Join(root, parent), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	releasetest.Write(t, root, files)
	return root
}

func TestFiles(t *testing.T) {
	root := tree(t, map[string]string{
		"config/100-a.yaml":              "# A.\nkind: A\n",
		"config/500-b.yaml":              "kind: B\nimage: ko://example.com/x/cmd/b\n---\nkind: C\nargs: [\"ko://example.com/x/cmd/b\"]\n",
		"config/fleet/f.yaml":            "kind: F\n",
		"tekton/pipeline/p.yaml":         "---\nkind: P\n",
		"tekton/task/t/0.1/t.yaml":       "# Why.\nkind: Task\nmetadata:\n  name: t\nspec:\n  image: ko://example.com/x/cmd/b\n",
		"tekton/task/t/0.1/README.md":    "ko://nothing",
		"tekton/stepaction/s/0.1/s.yaml": "kind: S\n",
	})
	files, err := manifest.Files(root, map[string]string{"example.com/x/cmd/b": "r/b@sha256:0"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"release.yaml": "---\n# Why.\nkind: Task\nmetadata:\n  name: t\n  namespace: openshift-pipelines\nspec:\n  image: r/b@sha256:0\n" +
			"---\n# A.\nkind: A\n---\nkind: B\nimage: r/b@sha256:0\n---\nkind: C\nargs: [\"r/b@sha256:0\"]\n",
		"fleet.yaml":      "---\nkind: F\n",
		"pipeline.yaml":   "---\nkind: P\n",
		"stepaction.yaml": "---\nkind: S\n",
	}
	if len(files) != len(want) {
		t.Errorf("there are %q", slices.Sorted(maps.Keys(files)))
	}
	for name, text := range want {
		if got := string(files[name]); got != text {
			t.Errorf("%s is\n%swant\n%s", name, got, text)
		}
	}
}

func TestUnknownImage(t *testing.T) {
	root := tree(t, map[string]string{"config/a.yaml": "image: ko://example.com/x/cmd/bb\n"})
	_, err := manifest.Files(root, map[string]string{"example.com/x/cmd/b": "r/b@sha256:0"})
	if err == nil || !strings.HasSuffix(err.Error(), `config/a.yaml": "ko://example.com/x/cmd/bb" is no image of ko.yaml`) {
		t.Errorf("the error is %v", err)
	}
}

// Of what is shipped nothing is lost: every object is there once, has its images by digest, and a Task is where the controller looks for it.
func TestShipped(t *testing.T) {
	images := map[string]string{}
	for _, name := range []string{"controller", "push-image", "tkn-quay", "update-overlay"} {
		images[module+"cmd/"+name] = "quay.example.com/quay-push/" + name + "@sha256:" + strings.Repeat("0", 64)
	}
	files, err := manifest.Files("../..", images)
	if err != nil {
		t.Fatal(err)
	}
	kinds, all := map[string]int{}, bytes.Join(slices.Collect(maps.Values(files)), nil)
	for _, image := range images {
		if !bytes.Contains(all, []byte(image)) {
			t.Errorf("nothing runs %s", image)
		}
	}
	for name, content := range files {
		for document := range strings.SplitSeq(strings.TrimPrefix(string(content), "---\n"), "\n---\n") {
			object, err := yaml.Parse(document)
			if err != nil {
				t.Fatalf("%s: %v in\n%s", name, err, document)
			}
			kinds[object.GetKind()]++
			if object.GetKind() == "Task" && (name != manifest.Release || object.GetNamespace() != "openshift-pipelines") {
				t.Errorf("Task %s is in %s, for namespace %q", object.GetName(), name, object.GetNamespace())
			}
		}
	}
	if shipped := count(t, "../../config") + count(t, "../../tekton"); len(kinds) < 10 || sum(kinds) != shipped {
		t.Errorf("%d objects are shipped, and the files have %v", shipped, kinds)
	}
	for _, name := range []string{"release.yaml", "copy.yaml", "custody.yaml", "fleet.yaml", "monitoring.yaml", "openshift.yaml", "pipeline.yaml", "stepaction.yaml"} {
		if len(files[name]) == 0 {
			t.Errorf("there is no %s", name)
		}
	}
}

// count returns how many objects are below a directory: each has one line that begins with kind.
func count(t *testing.T, dir string) int {
	t.Helper()
	paths, n := []string{}, 0
	for _, depth := range []string{"*.yaml", "*/*.yaml", "*/*/*/*.yaml"} {
		found, err := filepath.Glob(filepath.Join(dir, depth))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n += strings.Count("\n"+string(content), "\nkind: ")
	}
	return n
}

func sum(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}
