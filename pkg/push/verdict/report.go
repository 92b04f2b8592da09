package verdict

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

const (
	// maxWorst is how many vulnerabilities are told.
	maxWorst = 10
	// maxDistinct is how many different ones an image may have.
	maxDistinct = 200_000
)

// Report is what was found in an image, all platforms together: what several of them have in the same version of a package is one. It
// has the memory of the worst ones, and a mark of each. It is for one goroutine.
type Report struct {
	policy Policy
	// counts are all by severity, blocking those that refuse the image.
	counts, blocking [severities]int
	worst            []Vulnerability
	seen             map[[16]byte]struct{}
}

// NewReport returns an empty one, which counts by p.
func NewReport(p Policy) *Report { return &Report{policy: p, seen: map[[16]byte]struct{}{}} }

// Add takes v in, once however often it comes.
func (r *Report) Add(v Vulnerability) error {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %d", v.Package, v.Version, v.Name, v.FixedBy, v.Severity))
	mark := [16]byte(sum[:16])
	if _, known := r.seen[mark]; known {
		return nil
	}
	if len(r.seen) == maxDistinct {
		return shapeErrorf("the image has more than %d vulnerabilities", maxDistinct)
	}
	r.seen[mark] = struct{}{}
	r.counts[v.Severity]++
	if r.policy.Counts(v) {
		r.blocking[v.Severity]++
	}
	at, _ := slices.BinarySearchFunc(r.worst, v, r.compare)
	if at < maxWorst {
		r.worst = slices.Insert(r.worst, at, v)
		r.worst = r.worst[:min(len(r.worst), maxWorst)]
	}
	return nil
}

// compare has those first that refuse the image, then the worst, then those that an update mends.
func (r *Report) compare(a, b Vulnerability) int {
	first := func(a, b bool) int {
		switch {
		case a == b:
			return 0
		case a:
			return -1
		}
		return 1
	}
	return cmp.Or(first(r.policy.Counts(a), r.policy.Counts(b)), cmp.Compare(b.Severity, a.Severity), first(a.FixedBy != "", b.FixedBy != ""),
		strings.Compare(a.Package, b.Package), strings.Compare(a.Version, b.Version), strings.Compare(a.Name, b.Name), strings.Compare(a.FixedBy, b.FixedBy))
}

// Blocking is how many refuse the image.
func (r *Report) Blocking() (n int) {
	for _, of := range r.blocking {
		n += of
	}
	return n
}

// Worst are the worst ones, at most ten; those that refuse the image come first.
func (r *Report) Worst() []Vulnerability { return r.worst }

// counted are the severities that are always told, and those that are where something has them.
var counted, rare = []Severity{Critical, High, Medium, Low, Negligible, Unknown}, []Severity{Unrecognized, Defcon1}

// Counts is how many there are of each severity, as one JSON object, the worst first: {"critical":0,"high":2,…}.
func (r *Report) Counts() string {
	var parts []string
	for _, s := range slices.Concat(rare, counted) {
		if n := r.counts[s]; n > 0 || slices.Contains(counted, s) {
			parts = append(parts, fmt.Sprintf("%q:%d", s.String(), n))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// Summary tells how many refuse the image, by severity, in words: 1 critical and 12 high.
func (r *Report) Summary() string {
	var parts []string
	for s := Unrecognized; s > None; s-- {
		if n := r.blocking[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if n := len(parts); n > 1 {
		parts = append(parts[:n-2], parts[n-2]+" and "+parts[n-1])
	}
	return strings.Join(parts, ", ")
}

// Entry is a vulnerability in JSON.
type Entry struct {
	Package  string `json:"package"`
	Version  string `json:"version"`
	Severity string `json:"severity"`
	Name     string `json:"name"`
	FixedBy  string `json:"fixed-by"`
}

// Entries are the worst ones, as JSON has them.
func (r *Report) Entries() []Entry {
	entries := []Entry{}
	for _, v := range r.worst {
		entries = append(entries, Entry{v.Package, v.Version, v.Severity.String(), v.Name, v.FixedBy})
	}
	return entries
}

// WorstJSON is a JSON array of the worst ones. Where it would have more than most bytes as a string within JSON, the last ones are left out.
func (r *Report) WorstJSON(most int) string {
	entries := r.Entries()
	for {
		text, err := json.Marshal(entries)
		if err != nil {
			return "[]"
		}
		if len(entries) == 0 || Quoted(string(text)) <= most {
			return string(text)
		}
		entries = entries[:len(entries)-1]
	}
}

// Quoted is how many bytes text takes as a string within JSON, as Tekton hands it on.
func Quoted(text string) int {
	quoted, err := json.Marshal(text)
	if err != nil {
		return len(text)
	}
	return len(quoted)
}
