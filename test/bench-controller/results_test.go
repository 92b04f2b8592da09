package main

import (
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// madeUp are the results of a run that never was.
func madeUp() *results {
	r := &results{}
	r.set(result{Case: "kills", Title: "kills", LoadBefore: "1", LoadAfter: "2", Checks: []check{atMost(0, 0, "", "lost"), atMost(0, 2, "", "twice")}})
	r.set(result{Case: "size", Title: "old"})
	lines := []sample{{Name: own.name + ", MiB resident", X: []float64{1, 2}, Y: []float64{3, 4}}, {Name: own.name + ", ms of processor for a run", X: []float64{1}, Y: []float64{2}}}
	r.set(result{Case: "size", Title: "size", Checks: []check{atMost(96, 120, "MiB", "resident").beside(240)}, Samples: lines})
	r.set(result{Case: "single", Title: "one", Checks: []check{atMost(50, 10, "ms", "p50").beside(5), just(1, "", "events")}})
	return r
}

// A case that runs again replaces what it had, and the order stays that of the cases.
func TestSet(t *testing.T) {
	r := madeUp()
	var names []string
	for _, c := range r.Cases {
		names = append(names, c.Case)
	}
	if want := []string{"single", "size", "kills"}; !slices.Equal(names, want) {
		t.Errorf("cases are %v, want %v", names, want)
	}
	if one, ok := r.get("size"); !ok || one.Title != "size" {
		t.Errorf("size is %+v, %v", one, ok)
	}
	if _, ok := r.get("burst-50"); ok {
		t.Error("a case that did not run has a result")
	}
}

func TestTable(t *testing.T) {
	got := madeUp().table()
	for _, want := range []string{
		"| p50 | 10 ms ✓ | ≤ 50 ms | 0.20 | 5 ms | 2.00 |\n",
		"| events | 1 |  |  |  |  |\n",
		"| resident | **120 MiB** ✗ | ≤ 96 MiB | 1.25 | 240 MiB | 0.50 |\n",
		"| lost | 0 ✓ | ≤ 0 |  |  |  |\n",
		"| twice | **2** ✗ | ≤ 0 |  |  |  |\n",
		"| **kills** (load 1–2) |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q:\n%s", want, got)
		}
	}
}

// publish changes the page between its marks alone, and what it wrote is read again.
func TestPublish(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(root, pageFile)
	write := func(text string) {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n" + beginMark + "\nold\n" + endMark + "\nafter\n")
	if err := madeUp().publish(root); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	table := madeUp().table()
	if want := "before\n" + beginMark + "\n" + table + endMark + "\nafter\n"; string(text) != want {
		t.Errorf("the page is\n%s\nwant\n%s", text, want)
	}
	read, err := readResults(root)
	if err != nil {
		t.Fatal(err)
	}
	if read.table() != table {
		t.Errorf("the results read again give\n%s", read.table())
	}
	for _, name := range []string{"controller-cpu.png", "controller-memory.png"} {
		file, err := os.Open(filepath.Join(root, "docs", "benchmarks", name))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := png.Decode(file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	write("no marks")
	if err := madeUp().publish(root); err == nil {
		t.Error("a page without marks is taken")
	}
}

func TestReadResultsOfNothing(t *testing.T) {
	root := t.TempDir()
	if r, err := readResults(root); err != nil || len(r.Cases) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := os.MkdirAll(filepath.Join(root, "docs", "benchmarks"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, resultsFile), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readResults(root); err == nil {
		t.Error("what is no JSON is read")
	}
}
