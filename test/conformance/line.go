// Conformance says of each line of the contract between Tekton and a custom task (research/tekton.md, part 5) whether our
// controller keeps it: by the tests that show it, which it runs, in process, and on the cluster where $KUBECONFIG names one.
package main

// Line is one behaviour that can be checked.
type Line struct {
	// ID is the line's, Sentence what must hold.
	ID, Sentence string
	// Tests show it; all of them must pass. Without any, Why says why the line does not apply, or was not shown.
	Tests []string
	Why   string
}

// Where a test is: its package before the dot.
const (
	push    = "pkg/reconciler/pushimage."
	resolve = "pkg/reconciler/resolvetenant."
	shared  = "pkg/reconciler/customrun."
	guard   = "pkg/reconciler/tenancy."
	metric  = "pkg/reconciler/telemetry."
	health  = "pkg/reconciler/health."
	decide  = "pkg/tenant."
	conf    = "pkg/config."
	binary  = "cmd/controller."
	cluster = "test/e2e."
)
