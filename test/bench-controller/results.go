package main

import "github.com/comptech-lab/quay-push/internal/benchmark"

// results are all cases, as docs/benchmarks/controller.json keeps them.
type results struct{ benchmark.Results[result] }

// result is one case. Times depend on the machine; the ratios to limit and peer are what counts.
type result struct {
	Case  string `json:"case"`
	Title string `json:"title"`
	// Time is when it was run; the loads are how many processes wanted a processor before and after, over a minute.
	Time       string   `json:"time"`
	LoadBefore string   `json:"loadBefore"`
	LoadAfter  string   `json:"loadAfter"`
	Checks     []check  `json:"checks"`
	Samples    []sample `json:"samples,omitempty"`
}

// CaseName is the case that it is of.
func (r result) CaseName() string { return r.Case }

// page is where the results go; the plots are beside them.
var page = benchmark.Page{Results: "docs/benchmarks/controller.json", Markdown: "docs/benchmarks-controller.md", Target: "bench-controller", Cases: benchmark.Names(cases)}

// readResults reads what an earlier run left; nothing is no error.
func readResults(root string) (*results, error) {
	r, err := benchmark.Read[result](root, page)
	return &results{r}, err
}
