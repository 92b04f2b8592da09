package benchmark

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Results are what a benchmark has seen, a result R for each case, as its JSON file keeps them.
type Results[R named] struct {
	Cases []R `json:"cases"`
	// Page is where they go.
	Page Page `json:"-"`
}

// Read reads what an earlier run left in page, below the directory root; nothing is no error.
func Read[R named](root string, page Page) (Results[R], error) {
	r := Results[R]{Page: page}
	content, err := os.ReadFile(filepath.Join(root, page.Results))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	} else if err != nil {
		return r, err
	}
	if err := json.Unmarshal(content, &r); err != nil {
		return r, fmt.Errorf("reading %q: %w", page.Results, err)
	}
	return r, nil
}

// Set replaces the result of a case. The cases stay in the page's order.
func (r *Results[R]) Set(one R) {
	if at := r.find(one.CaseName()); at >= 0 {
		r.Cases[at] = one
	} else {
		r.Cases = append(r.Cases, one)
	}
	order := func(one R) int { return slices.Index(r.Page.Cases, one.CaseName()) }
	slices.SortStableFunc(r.Cases, func(a, b R) int { return order(a) - order(b) })
}

// Get returns the result of a case, if there is one.
func (r *Results[R]) Get(name string) (one R, ok bool) {
	if at := r.find(name); at >= 0 {
		return r.Cases[at], true
	}
	return one, false
}

func (r *Results[R]) find(name string) int {
	return slices.IndexFunc(r.Cases, func(one R) bool { return one.CaseName() == name })
}

// Write writes the results as JSON, and table into the page, below the directory root.
func (r *Results[R]) Write(root, table string) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return r.Page.write(root, append(content, '\n'), table)
}
