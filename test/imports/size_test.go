package imports

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A push is in rooms that can be read in one go: no package has more lines than mostPackage, no file more than mostFile, and half
// of the files no more than mostMedian. Tests do not count.
func TestRoomsOfAPush(t *testing.T) {
	const mostPackage, mostFile, mostMedian = 1600, 500, 120
	packages, files := map[string]int{}, []int{}
	err := filepath.WalkDir("../../pkg/push", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		lines := bytes.Count(text, []byte("\n"))
		if lines > mostFile {
			t.Errorf("%s has %d lines, more than %d", path, lines, mostFile)
		}
		packages[filepath.Dir(path)] += lines
		files = append(files, lines)
		return nil
	})
	if err != nil || len(packages) < 4 {
		t.Fatalf("%d packages, %v", len(packages), err)
	}
	for path, lines := range packages {
		if lines > mostPackage {
			t.Errorf("%s has %d lines, more than %d", path, lines, mostPackage)
		}
	}
	slices.Sort(files)
	if median := files[len(files)/2]; median > mostMedian {
		t.Errorf("half of the files have more than %d lines: the median is %d", mostMedian, median)
	}
}
