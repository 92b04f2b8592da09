// Package conformance is the checklist of what a custom task controller owes Tekton, Kubernetes and its tenants, line by line.
// The numbers C01 to C107 are those of the research that the controller was built from. See docs/conformance.md.
package conformance

import (
	"cmp"
	"slices"
	"testing"
)

// Check is one line. Exactly one of Why, ByHand, InProcess and OnCluster is set.
type Check struct {
	// ID is C and a number; Sentence is what must hold.
	ID, Sentence string
	// Why is the reason for which the line does not apply here; ByHand is where it stands how it was shown without a test.
	Why, ByHand string
	// InProcess decides against the generated reconciler and an API server that is only a store.
	InProcess func(t *T)
	// OnCluster decides where Tekton or Kubernetes has a say.
	OnCluster func(t *T, c *Cluster)
	// Once says that the mode has no say in it.
	Once bool
	// Alone says that OnCluster disturbs the others. It is checked once.
	Alone bool
}

// Mode is where the robots' Secrets are.
type Mode string

// Every line is checked in both modes, but for those that are the same in each.
const (
	// Default is with the tenants' runs.
	Default Mode = "default"
	// Custody is in a locked namespace: a run gets a copy (docs/custody.md).
	Custody Mode = "custody"
)

// T is the test of one line in one mode.
type T struct {
	*testing.T
	Mode Mode
}

// Checks are all lines, in the order of their numbers.
var Checks = sorted(selection, start, terminal, cancellation, timeouts, retries, child, content, tenants, ecosystem, operations)

func sorted(sections ...[]Check) []Check {
	all := slices.Concat(sections...)
	// By number: C100 comes after C95.
	slices.SortFunc(all, func(a, b Check) int { return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID)) })
	return all
}

// applies reports whether the line is checked in the mode.
func (c Check) applies(m Mode) bool { return m == Default || !c.Once && !c.Alone }
