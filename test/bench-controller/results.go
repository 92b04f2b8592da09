package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

const (
	resultsFile = "docs/benchmarks/controller.json"
	pageFile    = "docs/benchmarks-controller.md"
)

// results are all cases, as docs/benchmarks/controller.json keeps them.
type results struct {
	Cases []result `json:"cases"`
}

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

// readResults reads what an earlier run left; nothing is no error.
func readResults(root string) (*results, error) {
	r := &results{}
	content, err := os.ReadFile(filepath.Join(root, resultsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	} else if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, r); err != nil {
		return nil, fmt.Errorf("reading %q: %w", resultsFile, err)
	}
	return r, nil
}

// set replaces the result of a case.
func (r *results) set(one result) {
	if at := slices.IndexFunc(r.Cases, func(old result) bool { return old.Case == one.Case }); at >= 0 {
		r.Cases[at] = one
	} else {
		r.Cases = append(r.Cases, one)
	}
	slices.SortStableFunc(r.Cases, func(a, b result) int { return order(a.Case) - order(b.Case) })
}

// order is the place of a case on the page.
func order(name string) int {
	return slices.IndexFunc(cases, func(c benchCase) bool { return c.name == name })
}

// get returns the result of a case.
func (r *results) get(name string) (result, bool) {
	at := slices.IndexFunc(r.Cases, func(one result) bool { return one.Case == name })
	if at < 0 {
		return result{}, false
	}
	return r.Cases[at], true
}
