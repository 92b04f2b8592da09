package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// scan is what govulncheck says.
type scan struct {
	goVersion, database string
	// reached are the vulnerabilities that a program can reach, each once a module, in the order of their IDs.
	reached []finding
}

// finding is a vulnerable function that a program can reach.
type finding struct {
	id, summary string
	module, version,
	// fixed is the version of the module that mends it, or empty.
	fixed string
	// from is the function of the program where the way begins, to is the vulnerable one; steps is how long the way is.
	from, to string
	steps    int
}

// message is a part of govulncheck's JSON stream: one of the fields is set.
type message struct {
	Config *struct {
		DB        string `json:"db"`
		GoVersion string `json:"go_version"`
		ScanLevel string `json:"scan_level"`
		ScanMode  string `json:"scan_mode"`
	} `json:"config"`
	OSV *struct {
		ID      string `json:"id"`
		Summary string `json:"summary"`
	} `json:"osv"`
	Finding *struct {
		OSV          string  `json:"osv"`
		FixedVersion string  `json:"fixed_version"`
		Trace        []frame `json:"trace"`
	} `json:"finding"`
}

// frame is a step of the way to a vulnerable function. A module that is only required has no package, a package that is
// only imported has no function.
type frame struct {
	Module   string `json:"module"`
	Version  string `json:"version"`
	Package  string `json:"package"`
	Receiver string `json:"receiver"`
	Function string `json:"function"`
}

func (f frame) String() string {
	parts := []string{f.Package, strings.TrimPrefix(f.Receiver, "*"), f.Function}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ".")
}

// readScan reads the stream that govulncheck -format json writes. Of each vulnerability in each
// module it keeps the shortest way there.
func readScan(r io.Reader) (scan, error) {
	var s scan
	summaries, reached := map[string]string{}, map[[2]string]finding{}
	for decoder := json.NewDecoder(r); ; {
		var m message
		err := decoder.Decode(&m)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return scan{}, err
		}
		switch {
		case m.Config != nil:
			if m.Config.ScanMode != "source" || m.Config.ScanLevel != "symbol" {
				return scan{}, fmt.Errorf("mode %q at level %q does not tell which functions are reached: want mode \"source\" at level \"symbol\"", m.Config.ScanMode, m.Config.ScanLevel)
			}
			s.goVersion, s.database = m.Config.GoVersion, m.Config.DB
		case m.OSV != nil:
			summaries[m.OSV.ID] = m.OSV.Summary
		case m.Finding != nil && len(m.Finding.Trace) > 0 && m.Finding.Trace[0].Function != "":
			first, last := m.Finding.Trace[0], m.Finding.Trace[len(m.Finding.Trace)-1]
			f := finding{id: m.Finding.OSV, module: first.Module, version: first.Version, fixed: m.Finding.FixedVersion, from: last.String(), to: first.String(), steps: len(m.Finding.Trace)}
			key := [2]string{f.id, f.module}
			if known, found := reached[key]; !found || f.steps < known.steps {
				reached[key] = f
			}
		}
	}
	if s.goVersion == "" {
		return scan{}, errors.New("no Go version in it: the scan did not run")
	}
	// Of the standard library alone it knows hundreds.
	if len(summaries) == 0 {
		return scan{}, fmt.Errorf("the database %q knows no vulnerability of any module", s.database)
	}
	for _, f := range reached {
		f.summary = summaries[f.id]
		s.reached = append(s.reached, f)
	}
	slices.SortFunc(s.reached, func(a, b finding) int { return strings.Compare(a.id+" "+a.module, b.id+" "+b.module) })
	return s, nil
}
