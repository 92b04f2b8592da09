package builders_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/test/builders"
)

const page = "../../docs/builders.md"

// The page has every recipe, those that run with what became of them, the others with that they did not.
func TestPage(t *testing.T) {
	table, err := builders.ReadTable(page)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(table), "\n")[2:]
	if len(lines) != len(builders.Recipes) {
		t.Fatalf("the page has %d rows for %d recipes; run make builders", len(lines), len(builders.Recipes))
	}
	for i, r := range builders.Recipes {
		became, found := strings.CutPrefix(lines[i], strings.TrimSuffix(r.Row(""), " |"))
		became = strings.TrimSuffix(became, " |")
		switch {
		case !found:
			t.Errorf("the page has %q in the place of %q; run make builders", lines[i], r.Row("…"))
		case (became == builders.NotRun) != (len(r.Needs) == 0), strings.HasPrefix(became, "refused") != (r.Refused != ""):
			t.Errorf("%s: %q", r.Command, became)
		}
	}
}

func TestWriteTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	body, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	want := builders.Table([]string{"| a |", "| b |"})
	for range 2 {
		if err := builders.WriteTable(path, want); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := builders.ReadTable(path); err != nil || got != want {
		t.Errorf("the table is %q (%v)", got, err)
	}
	after, err := os.ReadFile(path)
	if err != nil || strings.Count(string(after), "\n# ") != strings.Count(string(body), "\n# ") || len(after) >= len(body) {
		t.Errorf("the page has %d bytes, it had %d (%v)", len(after), len(body), err)
	}
	if err := os.WriteFile(path, []byte("# No table\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := builders.WriteTable(path, want); err == nil {
		t.Error("a table was written into a page that has no place for it")
	}
}
