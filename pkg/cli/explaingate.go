package cli

import (
	"encoding/json"
	"io"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// worstOf are the worst vulnerabilities that the gate of a push found; nil where there was none. What the result has that is no such list
// is told by nobody.
func worstOf(run *v1beta1.CustomRun) (worst []verdict.Entry) {
	const most = 10
	for _, result := range run.Status.Results {
		if result.Name == v1alpha1.ResultWorst && json.Unmarshal([]byte(result.Value), &worst) == nil {
			return worst[:min(len(worst), most)]
		}
	}
	return nil
}

// writeWorst writes them for people; nothing where there are none.
func writeWorst(w io.Writer, worst []verdict.Entry) error {
	if len(worst) == 0 {
		return nil
	}
	rows := [][]string{}
	for _, v := range worst {
		row := []string{v.Name, v.Severity, v.Package, v.Version, v.FixedBy}
		for i, text := range row {
			row[i] = shown.Plain(shown.Cut(text, 100))
		}
		if v.FixedBy == "" {
			row[4] = "nothing yet"
		}
		rows = append(rows, row)
	}
	return table(w, []string{"VULNERABILITY", "SEVERITY", "PACKAGE", "VERSION", "FIXED BY"}, rows)
}
