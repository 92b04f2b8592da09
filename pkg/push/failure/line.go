package failure

import "github.com/comptech-lab/quay-push/pkg/shown"

// Line is Error in at most size bytes and without what moves a cursor.
func (e *Error) Line(size int) string {
	proof := e.Proof
	if proof == "" && e.Err != nil {
		proof = e.Err.Error()
	}
	text := func(proof string) string {
		return shown.Plain((&Error{Class: e.Class, Problem: e.Problem, Proof: proof, Next: e.Next}).Error())
	}
	proof = shown.Plain(proof)
	if over := len(text(proof)) - size; over > 0 {
		proof = shown.Cut(proof, max(0, len(proof)-over))
	}
	return shown.Cut(text(proof), size)
}
