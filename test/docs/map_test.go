package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The map names every directory with Go code, and every path in it is there.
func TestMap(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "DEVELOPMENT.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	packages := goDirectories(t)
	for dir := range packages {
		if n := strings.Count(page, "\n| ["+dir+"]("+dir+") | "); n != 1 {
			t.Errorf("DEVELOPMENT.md has %d lines for package %s", n, dir)
		}
	}
	if len(packages) < 50 {
		t.Errorf("only %d packages were found", len(packages))
	}
	for _, named := range regexp.MustCompile(`(?m)^\| \[((?:cmd|internal|pkg|test)/[^]]*)\]`).FindAllStringSubmatch(page, -1) {
		if !packages[named[1]] {
			t.Errorf("DEVELOPMENT.md has a line for %s, in which there is no Go code", named[1])
		}
	}
	paths := regexp.MustCompile("[`(]((?:\\.ci|cmd|config|docs|internal|pkg|tekton|test)/[^`)#\\s]*)").FindAllStringSubmatch(page, -1)
	for _, named := range paths {
		if _, err := os.Stat(filepath.Join(root, named[1])); err != nil {
			t.Errorf("DEVELOPMENT.md names %s: %v", named[1], err)
		}
	}
	if len(paths) < 100 {
		t.Errorf("only %d paths were found", len(paths))
	}
}

// A question of the map is answered by one file to three.
func TestMapIsShort(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "DEVELOPMENT.md"))
	if err != nil {
		t.Fatal(err)
	}
	questions := regexp.MustCompile(`(?m)^\| \*\*(.*?)\*\* \| (.*) \|$`).FindAllStringSubmatch(string(data), -1)
	for _, q := range questions {
		if files := link.FindAllString(q[2], -1); len(files) == 0 || len(files) > 3 {
			t.Errorf("%s %d files answer", q[1], len(files))
		}
	}
	if len(questions) != 11 {
		t.Errorf("%d questions", len(questions))
	}
}

// goDirectories returns the directories of the repository with Go code, those of the modules below it, too. They begin at root.
func goDirectories(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (name == "testdata" || name == "kodata" || name == "bin" || strings.HasPrefix(name, ".")) {
			return fs.SkipDir
		}
		if !entry.IsDir() && filepath.Ext(name) == ".go" {
			dir, err := filepath.Rel(root, filepath.Dir(path))
			found[filepath.ToSlash(dir)] = true
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
