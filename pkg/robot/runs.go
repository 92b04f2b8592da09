package robot

import (
	"context"
	"fmt"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
)

// unfinishedRuns lists the team's unfinished PipelineRuns. Where the cluster does not tell, the error says what mends that.
func (s Services) unfinishedRuns(ctx context.Context, t Tenant) ([]string, error) {
	runs, err := s.Cluster.Runs(ctx, t.Team)
	e := &Error{Problem: fmt.Sprintf("it is not known which runs of team %q go on, and they need the old token until they end", t.Team), Err: err}
	switch {
	case apierrs.IsForbidden(err):
		e.Reason, e.Next = ReasonNoRight, "get the right to list pipelineruns.tekton.dev in the namespace that is named, and in every other one of the team"
	case apierrs.IsNotFound(err):
		e.Reason, e.Next = ReasonMissing, "see whether Tekton is installed in this cluster; --kubeconfig and --context choose another one"
	default:
		return runs, err
	}
	return nil, e
}
