package quaytest

import (
	"net/http"
	"regexp"
	"sync"
)

// Fault is one thing that goes wrong. Method and Path say which requests it
// can hit, Nth and Times which of those it does hit.
type Fault struct {
	// Name is what Requests reports for a request that it hit.
	Name string
	// Method is an HTTP method; empty means any.
	Method string
	// Path is a regular expression for the URL's path; empty means any.
	Path string
	// Nth is the first matching request that is hit, from 1; 0 means 1.
	Nth int
	// Times is how many matching requests are hit in a row; 0 means 1 and a
	// negative number all that follow.
	Times int
	// Effect is what happens to a request that is hit.
	Effect Effect

	pattern *regexp.Regexp
	seen    int
}

// Effect answers a request in place of the registry, or around it by calling next.
type Effect func(q *Quay, w http.ResponseWriter, r *http.Request, next http.Handler)

// Faults is a script of faults. The zero value has none. It is safe for
// concurrent use.
type Faults struct {
	mu     sync.Mutex
	script []*Fault
}

// Add appends faults to the script. The first one of the script that hits a
// request is played; the others count it nevertheless. It panics if a Path is
// not a regular expression or an Effect is missing.
func (f *Faults) Add(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range faults {
		if fault.Effect == nil {
			panic("quaytest: fault " + fault.Name + " has no effect")
		}
		fault.pattern = regexp.MustCompile(fault.Path)
		f.script = append(f.script, &fault)
	}
}

// Clear empties the script.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = nil
}

// serve plays the fault that hits r, or passes it on.
func (f *Faults) serve(q *Quay, e *entry, r *http.Request, next http.Handler) {
	fault := f.hit(r)
	if fault == nil {
		next.ServeHTTP(e, r)
		return
	}
	e.setFault(fault.Name)
	fault.Effect(q, e, r, next)
}

// hit counts r for every fault that it matches and returns the one to play.
func (f *Faults) hit(r *http.Request) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var hit *Fault
	for _, fault := range f.script {
		if fault.Method != "" && fault.Method != r.Method || !fault.pattern.MatchString(r.URL.Path) {
			continue
		}
		fault.seen++
		first, times := max(fault.Nth, 1), fault.Times
		if times == 0 {
			times = 1
		}
		if hit == nil && fault.seen >= first && (times < 0 || fault.seen < first+times) {
			hit = fault
		}
	}
	return hit
}
