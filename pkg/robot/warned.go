package robot

// warned is the error of a step that cannot be done and that the others do without: it is told, with its next step, and the operation goes
// on.
type warned struct{ problem, next string }

func (w *warned) Error() string { return w.problem + "; " + w.next }

// as is the step of t in place of that error.
func (w *warned) as(t task) Step { return Step{t.id, t.title, Warned, w.Error()} }
