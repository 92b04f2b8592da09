package push

import (
	"path/filepath"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/results"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// failureResult is the one result file of a push that failed, for those who see its TaskRun and not its log.
const failureResult = "failure"

// maxFailure is its size in bytes: Tekton fails a step with more than 4 KiB of results in JSON, where a byte can become six.
const maxFailure = 512

// WriteFailure writes err, as Push returned it for opts, to the result file "failure" in one line: class, problem, proof and next
// step. Where that is too long, the proof is cut.
func WriteFailure(opts Options, err error) error {
	if opts.ResultsDir == "" || opts.readOnly() {
		return nil
	}
	return results.Dir(filepath.Clean(opts.ResultsDir)).Write(map[string]string{failureResult: asError(err).line(maxFailure)})
}

// line is Error in at most size bytes and without what moves a cursor.
func (e *Error) line(size int) string {
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
