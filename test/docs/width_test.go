package docs_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/comptech-lab/quay-push/test/docs"
)

// widest is the longest line of prose, in characters.
const widest = 120

// wide are the pages with longer lines, below the repository's root. The list only gets shorter.
var wide = []string{
	"docs/benchmarks-controller.md", "docs/benchmarks.md", "docs/cli.md", "docs/conformance.md", "docs/custom-task.md",
	"docs/failure-modes.md", "docs/install.md", "docs/operations.md", "docs/overlay.md", "docs/provenance.md",
	"docs/push-step.md", "docs/quickstart.md", "docs/registry-to-registry.md",
	"docs/shared-namespace.md", "docs/threat-model.md", "docs/uninstall.md",
}

// Prose has no line that is wider than an editor beside another. Tables, blocks and what a link leads to are as wide as they are.
func TestWidth(t *testing.T) {
	pages, err := docs.Pages(root)
	if err != nil {
		t.Fatal(err)
	}
	others, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range slices.Compact(slices.Sorted(slices.Values(append(pages, others...)))) {
		name, err := filepath.Rel(root, page)
		if err != nil {
			t.Fatal(err)
		}
		long := longLines(prose(t, page))
		switch known := slices.Contains(wide, filepath.ToSlash(name)); {
		case known && len(long) == 0:
			t.Errorf("%s has no long line any more: take it from the list", name)
		case !known:
			for _, line := range long {
				t.Errorf("%s: a line of %d characters: %s", name, utf8.RuneCountInString(line), line)
			}
		}
	}
}

// longLines are the lines of text that are too wide.
func longLines(text string) (long []string) {
	for line := range strings.Lines(text) {
		shown := strings.TrimRight(link.ReplaceAllString(line, "]"), "\n")
		if !strings.HasPrefix(strings.TrimSpace(line), "|") && utf8.RuneCountInString(shown) > widest {
			long = append(long, shown)
		}
	}
	return long
}

func TestLongLines(t *testing.T) {
	word := strings.Repeat("ä", widest)
	for text, want := range map[string]int{
		word + "\n":                               0,
		word + "a\n":                              1,
		word + "a\nshort\n" + word + "b":          2,
		"| " + word + " | a row |\n":              0,
		"[a word](https://" + word + ") beside\n": 0,
		"[" + word + "](page.md)\n":               1,
	} {
		if got := longLines(text); len(got) != want {
			t.Errorf("%q has %d long lines, want %d", text, len(got), want)
		}
	}
}
