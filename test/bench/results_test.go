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

// sample are the results of a made-up run.
func sample() *results {
	r := &results{benchmark.Results[result]{Page: page}}
	r.Set(result{Case: "again-20", Title: "again, far", Clients: []clientResult{{Name: own, Seconds: []float64{0.1}, Requests: []int{4}}, {Name: "crane", Ratio: 0.9, Least: 1}}})
	r.Set(result{Case: "large-0", Title: "near", Clients: []clientResult{{Name: own, PathCPURatio: 1}, {Name: "crane", Ratio: 1.25, Least: 1 / 1.05, PathCPURatio: 1.5},
		{Name: "regctl", Ratio: 0.5, Least: 1 / 1.05}, {Name: "podman", Note: "cannot: it has no such source"}}})
	r.Set(result{Case: "again-0", Title: "again, near", Clients: []clientResult{{Name: own, Seconds: []float64{0.02}}, {Name: "crane", Ratio: 2, Least: 1}}})
	r.Set(result{Case: "quay-huge", Title: "one huge layer", Unpacks: true, Clients: []clientResult{{Name: "push-image-zstd", Ratio: 1},
		{Name: own, Ratio: 3.5, Least: 3}, {Name: "crane", Ratio: 3.9, Least: 4}, {Name: "skopeo", Ratio: 6}}})
	r.Set(result{Case: "memory-10", Clients: []clientResult{{Name: own, PeakMiB: 60}}})
	r.Set(result{Case: "memory-1", Clients: []clientResult{{Name: own, PeakMiB: 59}}})
	return r
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(test.values); got != test.want {
			t.Errorf("median of %v = %v, want %v", test.values, got, test.want)
		}
	}
}

func TestCompare(t *testing.T) {
	clients := []clientResult{{Seconds: []float64{1, 10, 2}}, {Seconds: []float64{2, 30, 8}}, {}}
	compare(clients)
	for i, want := range []float64{1, 3, 0} {
		if got := clients[i].Ratio; got != want {
			t.Errorf("ratio of client %d = %v, want %v", i, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	got := sample().table()
	for _, want := range []string{
		"| near | 1.25 (target ≥ 0.952) ✓ | **0.50** (target ≥ 0.952) ✗ | cannot | cannot |",
		"| … processor time of client, nginx and registry | 1.50 | 0.00 | 0.00 | 0.00 |",
		"| one huge layer | 3.50 (target ≥ 3) ✓ | **3.90** (target ≥ 4) ✗ | cannot | 6.00 |",
		"| again, far | **0.90** (target ≥ 1) ✗ |",
		"| requests of a push of what is there | 4 ✓ | ≤ 6 |",
		"| round trips of it, TCP and TLS counted | 4.0 ✓ | ≤ 4 |",
		"| peak of memory for 10 GiB | 60 MiB ✗ | ≤ 48 MiB |",
		"| of which more than for 1 GiB | 1 MiB ✓ | ≤ 8 MiB |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q:\n%s", want, got)
		}
	}
}

// The order of the results is that of the cases.
func TestOrder(t *testing.T) {
	if want := []string{"large-0", "quay-huge", "again-0", "again-20", "memory-1", "memory-10"}; !slices.Equal(benchmark.Names(sample().Cases), want) {
		t.Errorf("cases are %v, want %v", benchmark.Names(sample().Cases), want)
	}
}

// publish writes the table into the repository's own page, and the plot that it shows.
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
	if err := sample().publish(root); err != nil {
		t.Fatal(err)
	}
	text, err = os.ReadFile(filepath.Join(root, page.Markdown))
	if err != nil || !strings.Contains(string(text), sample().table()) {
		t.Errorf("%v, the page is\n%s", err, text)
	}
	read, err := readResults(root)
	if err != nil {
		t.Fatal(err)
	}
	if read.table() != sample().table() {
		t.Errorf("the results read again give\n%s", read.table())
	}
	file, err := os.Open(filepath.Join(root, plotFile))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := png.Decode(file); err != nil {
		t.Error(err)
	}
}

// Every case that compares clients says what each must reach, and the images have the sizes that the titles tell.
func TestCases(t *testing.T) {
	for _, c := range cases {
		for peer := range c.least {
			if !slices.Contains(peers, peer) && !(c.unpacks && peer == own) {
				t.Errorf("case %s wants something of %q", c.name, peer)
			}
		}
	}
	sizes := spread(60, 64*kib, mib)
	if len(sizes) != 60 || slices.Min(sizes) < 64*kib || slices.Max(sizes) > mib {
		t.Errorf("sizes are %v", sizes)
	}
}
