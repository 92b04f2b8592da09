package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The index leads to every page and picture in docs.
func TestIndex(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "docs", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.*"))
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		if name := filepath.Base(file); name != "README.md" && !strings.Contains(string(data), "]("+name+")") {
			t.Errorf("docs/README.md does not lead to %s", name)
		}
	}
}
