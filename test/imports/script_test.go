package imports

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// No Task, Pipeline or StepAction of ours has a script: a param in one would be a shell injection (tektoncd/catalog
// recommendations.md).
func TestNoScripts(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../../tekton", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), "script:") {
			t.Errorf("%s has a script", path)
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files, %v", files, err)
	}
}
