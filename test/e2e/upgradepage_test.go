//go:build e2e

package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/test/docs"
)

// checkPage makes sure that upgrade.md names all that this version has, and that the one before it, in directory older, neither has nor takes:
// objects, keys of config-tenancy, and params of the Task.
func checkPage(t *testing.T, older string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/upgrade.md")
	if err != nil {
		t.Fatal(err)
	}
	_, back, found := strings.Cut(string(page), "\n## Going back\n")
	if !found {
		t.Fatal("upgrade.md has no heading Going back")
	}
	news := 0
	for what, read := range map[string]func(*testing.T, string) map[string]bool{"object": objectsOf, "key": keysOf, "param": paramsOf} {
		before, now := read(t, older), read(t, "../..")
		if len(before) == 0 {
			t.Fatalf("the version before has no %s", what)
		}
		for _, name := range slices.Sorted(maps.Keys(now)) {
			if before[name] {
				continue
			}
			news++
			if !regexp.MustCompile("[`\"]" + regexp.QuoteMeta(name) + "[`\"]").MatchString(back) {
				t.Errorf("upgrade.md does not tell whoever goes back of %s %q, which the older version does not know", what, name)
			}
		}
	}
	if news == 0 {
		t.Error("the version before knows all that this one does")
	}
}

// objectsOf are the kinds and names of what the version in dir installs.
func objectsOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, file := range readAll(t, filepath.Join(dir, "config", "*.yaml")) {
		documents, err := docs.Documents(docs.Block{Text: file})
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range documents {
			if docs.IsObject(document) {
				object := document.(docs.Object)
				names[object["kind"].(string)+" "+object["metadata"].(docs.Object)["name"].(string)] = true
			}
		}
	}
	return names
}

// keysOf are the keys that the example of config-tenancy has in the version in dir.
func keysOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	return matchesIn(t, filepath.Join(dir, "config", "config-tenancy.yaml"), regexp.MustCompile(`(?m)^    ([a-z-]+):`))
}

// paramsOf are the params of the Task in the version in dir.
func paramsOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	return matchesIn(t, filepath.Join(dir, "tekton", "task", "push-image-quay", "*", "*.yaml"), regexp.MustCompile(`(?m)^    - name: ([a-z-]+)\n      type:`))
}

func matchesIn(t *testing.T, pattern string, name *regexp.Regexp) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, file := range readAll(t, pattern) {
		for _, found := range name.FindAllStringSubmatch(file, -1) {
			names[found[1]] = true
		}
	}
	return names
}

// readAll returns the contents of the files that match pattern.
func readAll(t *testing.T, pattern string) (contents []string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, string(content))
	}
	return contents
}
