package failure

import (
	"strings"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Line is Error in at most size bytes and without what moves a cursor.
func (e *Error) Line(size int) string {
	proof := e.Proof
	if proof == "" && e.Err != nil {
		proof = e.Err.Error()
	}
	text := func(proof string) string {
		return cleaned((&Error{Class: e.Class, Problem: e.Problem, Proof: proof, Next: e.Next}).Error())
	}
	proof = cleaned(proof)
	if over := len(text(proof)) - size; over > 0 {
		proof = shown.Cut(proof, max(0, len(proof)-over))
	}
	return shown.Cut(text(proof), size)
}

// cleaned is text on one line, whatever bytes it has.
func cleaned(text string) string { return shown.Line(strings.ToValidUTF8(text, "?")) }
