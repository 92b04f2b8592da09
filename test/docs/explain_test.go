package docs_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/test/docs"
)

// What README shows of explain is what the quickstart prints on a cluster, under other names.
func TestExplained(t *testing.T) {
	shown := func(page string) (tables []string) {
		blocks, err := docs.Read(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocks {
			if b.Language == "text" && strings.Contains(b.Text, "RULE ") {
				tables = append(tables, b.Text)
			}
		}
		return tables
	}
	names := strings.NewReplacer("payments-quickstart", "apps-payments-checkout", "first-push", "build-7x2kq-push")
	printed := shown("docs/quickstart.md")
	for i := range printed {
		printed[i] = names.Replace(printed[i])
	}
	if readme := shown("README.md"); len(readme) != 1 || !slices.Equal(readme, printed) {
		t.Errorf("README shows\n%s\nthe quickstart prints\n%s", strings.Join(readme, "\n"), strings.Join(printed, "\n"))
	}
}
