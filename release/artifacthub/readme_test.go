package artifacthub

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/release/bundle"
)

// A README of the catalog has no path of the repository any more: each of its links is to a file that the repository has, at Source.
func TestReadme(t *testing.T) {
	pages, followed := 0, 0
	for file, content := range files(t, Catalog{}) {
		if path.Base(file) != "README.md" {
			continue
		}
		pages++
		for _, found := range regexp.MustCompile(`\]\(([^)#\s]+)`).FindAllStringSubmatch(string(content), -1) {
			to, ours := strings.CutPrefix(found[1], source+"/")
			if _, err := os.Stat(filepath.Join(root, to)); ours && err != nil || !ours && !strings.HasPrefix(to, "https://") {
				t.Errorf("%s: %q leads nowhere: %v", file, found[1], err)
			}
			followed++
		}
		name := strings.Split(file, "/")[1]
		if strings.Contains(string(content), "ko apply") || !strings.Contains(string(content), "kubectl apply -f "+name+".yaml --namespace ") {
			t.Errorf("%s does not say how it is installed from a catalog", file)
		}
	}
	if pages != 5 || followed < 20 {
		t.Errorf("%d pages, %d links", pages, followed)
	}
}

func TestReadmeOfOneFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("docs/a.md", "")
	write("tekton/task/x/0.1/README.md", "[a](../../../../docs/a.md#b), [c](#d), [e](https://example.com/f)\nko apply -f tekton/task/x/0.1/ -- --namespace n\n")
	c := Catalog{Root: dir, Source: "https://example.com/src"}
	got, err := c.readme(bundle.Object{File: "tekton/task/x/0.1/x.yaml", Name: "x"})
	want := "[a](https://example.com/src/docs/a.md#b), [c](#d), [e](https://example.com/f)\nkubectl apply -f x.yaml --namespace n\n"
	if err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	write("tekton/task/x/0.1/README.md", "[a](b.md)")
	if _, err := c.readme(bundle.Object{File: "tekton/task/x/0.1/x.yaml", Name: "x"}); err == nil || !strings.Contains(err.Error(), "b.md") {
		t.Errorf("%v, want an error with the link", err)
	}
}
