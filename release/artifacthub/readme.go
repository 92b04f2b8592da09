package artifacthub

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/comptech-lab/quay-push/release/bundle"
)

// link is what a link in Markdown leads to, but for its anchor.
var link = regexp.MustCompile(`\]\(([^)#\s]+)`)

// readme returns the README beside the object's file, for people who have nothing else of the repository: links lead to Source, and the object is
// applied as it lies in the catalog.
func (c Catalog) readme(object bundle.Object) ([]byte, error) {
	here := path.Dir(object.File)
	content, err := os.ReadFile(filepath.Join(c.Root, here, "README.md"))
	if err != nil {
		return nil, err
	}
	var broken error
	text := link.ReplaceAllStringFunc(string(content), func(found string) string {
		to := strings.TrimPrefix(found, "](")
		if strings.Contains(to, "://") {
			return found
		}
		to = path.Join(here, to)
		if _, err := os.Stat(filepath.Join(c.Root, to)); err != nil {
			broken = fmt.Errorf("following a link of %q: %w", here+"/README.md", err)
		}
		return "](" + c.Source + "/" + to
	})
	return []byte(strings.ReplaceAll(text, "ko apply -f "+here+"/ -- ", "kubectl apply -f "+object.Name+".yaml ")), broken
}
