package gitops

import (
	"errors"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/results"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// failureResult is the one result file of an update that failed, for those who see its TaskRun and not its log.
const failureResult = "failure"

// maxFailure is its size in bytes: Tekton fails a step with more than 4 KiB of results in JSON, where a byte can become six.
const maxFailure = 512

// WriteFailure writes err, as Parse or Update returned it for opts, to the result file "failure": what is wrong with its proof or
// reason, and the next step, in one line. It removes the results of an earlier run.
func WriteFailure(opts Options, err error) error {
	files := results.Dir(opts.ResultsDir)
	if err := files.Prepare(resultNames...); err != nil {
		return err
	}
	return files.Write(map[string]string{failureResult: failureLine(err)})
}

// failureLine is err in at most maxFailure bytes and without what moves a cursor. Where that is too little, the next step is whole.
func failureLine(err error) string {
	failure, refusal, step := (*Error)(nil), (*overlay.Refusal)(nil), ""
	switch {
	case errors.As(err, &refusal):
		step = "; " + refusal.Next
	case errors.As(err, &failure):
		step = "; " + failure.Next
	}
	text, step := shown.Plain(strings.TrimSuffix(err.Error(), step)), shown.Plain(step)
	return shown.Cut(shown.Cut(text, max(0, maxFailure-len(step)))+step, maxFailure)
}
