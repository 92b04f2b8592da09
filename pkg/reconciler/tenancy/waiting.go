package tenancy

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// maxWaiting is how many PipelineRuns of a namespace are read again and again, since they do not list a CustomRun yet. Tekton
	// is between the two with no more of all namespaces than it has threads, by default 32.
	maxWaiting = 32
	// freeLooks is how young a CustomRun has its PipelineRun read in any case.
	freeLooks = time.Second
	// forgotten is how long nobody asked for a PipelineRun that is waited for no longer.
	forgotten = 2 * longestPause
)

// waiting are the PipelineRuns that are waited for, by namespace and name, with when somebody last did.
type waiting map[string]map[string]time.Time

// has room for key: it is waited for already, or is one of the few that may be.
func (w waiting) room(key types.NamespacedName, now time.Time) bool {
	runs := w[key.Namespace]
	if _, ok := runs[key.Name]; ok || len(runs) < maxWaiting {
		return true
	}
	w.sweep(now)
	return len(w[key.Namespace]) < maxWaiting
}

// add has key waited for, if there is room.
func (w waiting) add(key types.NamespacedName, now time.Time) {
	if !w.room(key, now) {
		return
	}
	if w[key.Namespace] == nil {
		w.sweep(now)
		w[key.Namespace] = map[string]time.Time{}
	}
	w[key.Namespace][key.Name] = now
}

// remove makes room.
func (w waiting) remove(key types.NamespacedName) {
	delete(w[key.Namespace], key.Name)
	if len(w[key.Namespace]) == 0 {
		delete(w, key.Namespace)
	}
}

func (w waiting) sweep(now time.Time) {
	for namespace, runs := range w {
		for name, last := range runs {
			if now.Sub(last) > forgotten {
				w.remove(types.NamespacedName{Namespace: namespace, Name: name})
			}
		}
	}
}

// mayWait reports whether a CustomRun of that age may have its PipelineRun read although it has not been listed so far.
func (o *Owners) mayWait(key types.NamespacedName, age time.Duration, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return age < freeLooks || o.waiting.room(key, now)
}

// answered notes whether the PipelineRun lists the CustomRun that asked, or is waited for.
func (o *Owners) answered(key types.NamespacedName, listed bool, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if listed {
		o.waiting.remove(key)
	} else {
		o.waiting.add(key, now)
	}
}
