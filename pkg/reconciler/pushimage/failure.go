package pushimage

import (
	"strings"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// maxFailure is the size in bytes of what a message has of the result failure. push-image keeps to half of it; who may write the
// TaskRun need not.
const maxFailure = 1024

// withFailure puts what the step itself said of its failure, if it said something, before text, which is Tekton's: that a container
// exited, and with which code.
func withFailure(text string, results []v1beta1.CustomRunResult) string {
	for _, result := range results {
		if result.Name != v1alpha1.ResultFailure {
			continue
		}
		if said := strings.TrimSpace(clean(result.Value)); said != "" {
			return said + " (" + text + ")"
		}
	}
	return text
}

// clean replaces what would break a line or move the cursor of who reads the text, and cuts it.
func clean(text string) string {
	return shown.Plain(shown.Cut(text, maxFailure))
}
