package gitops

import "slices"

// warnedTree is a tree, and the log for what kustomize warns of: each warning once, and not too many.
type warnedTree struct {
	tree
	updater *updater
}

const maxWarnings = 20

// Warn implements overlay.Warner.
func (t warnedTree) Warn(line string) {
	if warned := t.updater.warned; !slices.Contains(warned, line) && len(warned) < maxWarnings {
		t.updater.warned = append(warned, line)
		t.updater.log.Warn("rendering", "warning", line)
	}
}
