package benchmark

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Page is where a benchmark writes to. Its paths are relative to the repository's root.
type Page struct {
	// Results is the JSON file. Plots are in its directory.
	Results string
	// Markdown is the page. It is written between two lines alone, which name the make Target.
	Markdown, Target string
	// Cases are the names of all cases, in the order of the page.
	Cases []string
}

// write replaces both files below root.
func (p Page) write(root string, results []byte, table string) error {
	page := filepath.Join(root, p.Markdown)
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	begin, end := "<!-- begin: made by make "+p.Target+" -->", "<!-- end: made by make "+p.Target+" -->"
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("writing %q: it has no marks for the table", p.Markdown)
	}
	file := filepath.Join(root, p.Results)
	return errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, results, 0o644),
		os.WriteFile(page, []byte(before+begin+"\n"+table+end+after), 0o644))
}
