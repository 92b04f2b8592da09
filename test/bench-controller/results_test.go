package main

import (
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/benchmark"
)

// madeUp are the results of a run that never was.
func madeUp() *results {
	r := &results{benchmark.Results[result]{Page: page}}
	r.Set(result{Case: "kills", Title: "kills", LoadBefore: "1", LoadAfter: "2", Checks: []check{atMost(0, 0, "", "lost"), atMost(0, 2, "", "twice")}})
	r.Set(result{Case: "size", Title: "old"})
	lines := []sample{{Name: own.name + ", MiB resident", X: []float64{1, 2}, Y: []float64{3, 4}}, {Name: own.name + ", ms of processor for a run", X: []float64{1}, Y: []float64{2}}}
	r.Set(result{Case: "size", Title: "size", Checks: []check{atMost(96, 120, "MiB", "resident").beside(240)}, Samples: lines})
	r.Set(result{Case: "single", Title: "one", Checks: []check{atMost(50, 10, "ms", "p50").beside(5), just(1, "", "events")}})
	return r
}

// The order of the results is that of the cases.
func TestOrder(t *testing.T) {
	if want := []string{"single", "size", "kills"}; !slices.Equal(benchmark.Names(madeUp().Cases), want) {
		t.Errorf("cases are %v, want %v", benchmark.Names(madeUp().Cases), want)
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

// publish writes the table into the repository's own page, and the plots that it shows.
func TestPublish(t *testing.T) {
	root := t.TempDir()
	text, err := os.ReadFile(filepath.Join("../..", page.Markdown))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, filepath.Dir(page.Results)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, page.Markdown), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := madeUp().publish(root); err != nil {
		t.Fatal(err)
	}
	text, err = os.ReadFile(filepath.Join(root, page.Markdown))
	if err != nil || !strings.Contains(string(text), madeUp().table()) {
		t.Errorf("%v, the page is\n%s", err, text)
	}
	read, err := readResults(root)
	if err != nil {
		t.Fatal(err)
	}
	if read.table() != madeUp().table() {
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
}
