package benchmark_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/comptech-lab/quay-push/internal/benchmark"
)

type result struct {
	Case  string `json:"case"`
	Title string `json:"title"`
}

func (r result) CaseName() string { return r.Case }

var page = benchmark.Page{Results: "docs/benchmarks/some.json", Markdown: "docs/some.md", Target: "bench-some", Cases: []string{"one", "two", "three"}}

const (
	begin = "<!-- begin: made by make bench-some -->"
	end   = "<!-- end: made by make bench-some -->"
)

// put writes a file below root.
func put(t *testing.T, root, name, content string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readResults(t *testing.T, root string) benchmark.Results[result] {
	t.Helper()
	r, err := benchmark.Read[result](root, page)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A case that runs again replaces what it had, and the order stays that of the cases.
func TestSet(t *testing.T) {
	r := readResults(t, t.TempDir())
	for _, one := range []result{{"three", "3"}, {"one", "old"}, {"two", "2"}, {"one", "new"}} {
		r.Set(one)
	}
	if want := []result{{"one", "new"}, {"two", "2"}, {"three", "3"}}; !slices.Equal(r.Cases, want) {
		t.Errorf("cases are %v, want %v", r.Cases, want)
	}
	if one, ok := r.Get("two"); !ok || one.Title != "2" {
		t.Errorf("two is %+v, %v", one, ok)
	}
	if one, ok := r.Get("four"); ok || one != (result{}) {
		t.Errorf("a case that did not run has the result %+v", one)
	}
}

// The page is changed between its marks alone, and what was written is read again.
func TestWrite(t *testing.T) {
	root := t.TempDir()
	put(t, root, page.Markdown, "before\n"+begin+"\nold\n"+end+"\nafter\n")
	r := readResults(t, root)
	r.Set(result{"two", "2"})
	if err := r.Write(root, "| a table |\n"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, page.Markdown))
	if want := "before\n" + begin + "\n| a table |\n" + end + "\nafter\n"; err != nil || string(text) != want {
		t.Errorf("the page is %v\n%s\nwant\n%s", err, text, want)
	}
	text, err = os.ReadFile(filepath.Join(root, page.Results))
	if want := "{\n  \"cases\": [\n    {\n      \"case\": \"two\",\n      \"title\": \"2\"\n    }\n  ]\n}\n"; err != nil || string(text) != want {
		t.Errorf("the results are %v\n%s\nwant\n%s", err, text, want)
	}
	if again := readResults(t, root); !slices.Equal(again.Cases, r.Cases) {
		t.Errorf("read again they are %v", again.Cases)
	}
}

// Where the table goes must be clear, and nothing is written otherwise.
func TestWriteWithoutMarks(t *testing.T) {
	for _, text := range []string{"no marks", begin + "\nonly one\n", end + "\n" + begin} {
		root := t.TempDir()
		put(t, root, page.Markdown, text)
		r := readResults(t, root)
		if err := r.Write(root, "table\n"); err == nil {
			t.Errorf("a page with %q is taken", text)
		}
		if _, err := os.Stat(filepath.Join(root, page.Results)); err == nil {
			t.Errorf("%q: the results are written", text)
		}
	}
	r := readResults(t, t.TempDir())
	if err := r.Write(t.TempDir(), "table\n"); err == nil {
		t.Error("a page that is not there is taken")
	}
}

func TestReadWhatIsNoJSON(t *testing.T) {
	root := t.TempDir()
	put(t, root, page.Results, "{")
	if _, err := benchmark.Read[result](root, page); err == nil {
		t.Error("what is no JSON is read")
	}
}
