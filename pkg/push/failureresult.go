package push

import (
	"errors"
	"maps"
	"path/filepath"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/gate"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
	"github.com/comptech-lab/quay-push/pkg/results"
)

// failureResult is the one result file of a push that failed, for those who see its TaskRun and not its log.
const failureResult = "failure"

// maxFailure is its size in bytes: Tekton fails a step with more than 4 KiB of results in JSON, where a byte can become six.
const maxFailure = 512

// WriteFailure writes err, as Push returned it for opts, to the result file "failure" in one line: class, problem, proof and next
// step. Where that is too long, the proof is cut. What a gate found goes along.
func WriteFailure(opts Options, err error) error {
	if opts.ResultsDir == "" || opts.readOnly() {
		return nil
	}
	line := failure.Of(err).Line(maxFailure)
	values := map[string]string{failureResult: line}
	if refused := (*gate.Refused)(nil); errors.As(err, &refused) {
		maps.Copy(values, refused.Results(min(maxWorst, maxAll-verdict.Quoted(line)-verdict.Quoted(refused.Counts()))))
	}
	return results.Dir(filepath.Clean(opts.ResultsDir)).Write(values)
}
