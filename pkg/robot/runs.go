package robot

import (
	"context"
	"errors"
	"fmt"
)

var (
	// ErrRunsForbidden is in the error of Cluster.Runs where PipelineRuns may not be listed.
	ErrRunsForbidden = errors.New("not allowed to list PipelineRuns")
	// ErrNoTekton is in the error of Cluster.Runs where the cluster knows no PipelineRuns.
	ErrNoTekton = errors.New("no PipelineRuns in this cluster")
)

// unfinishedRuns lists the team's unfinished PipelineRuns. Where the cluster does not tell, the error says what mends that.
func (s Services) unfinishedRuns(ctx context.Context, t Tenant) ([]string, error) {
	runs, err := s.Cluster.Runs(ctx, t.Team)
	e := &Error{Problem: fmt.Sprintf("it is not known which runs of team %q go on, and they need the old token until they end", t.Team), Err: err}
	switch {
	case errors.Is(err, ErrRunsForbidden):
		e.Reason, e.Next = ReasonNoRight, "get the right to list pipelineruns.tekton.dev in the namespace that is named, and in every other one of the team"
	case errors.Is(err, ErrNoTekton):
		e.Reason, e.Next = ReasonMissing, "see whether Tekton is installed in this cluster; --kubeconfig and --context choose another one"
	default:
		return runs, err
	}
	return nil, e
}
