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

// unfinishedRuns lists the team's unfinished PipelineRuns, of every cluster. Where one does not tell, the error says what mends that.
func (s Services) unfinishedRuns(ctx context.Context, t Tenant) ([]string, error) {
	all := []string{}
	for _, x := range s.sites(t) {
		runs, err := x.Runs(ctx, t.Team)
		e := &Error{Problem: fmt.Sprintf("it is not known which runs of team %q go on, and they need the old token until they end", t.Team), Err: x.named(err)}
		switch {
		case err == nil:
		case errors.Is(err, ErrRunsForbidden):
			e.Reason, e.Next = ReasonNoRight, "get the right to list pipelineruns.tekton.dev in the namespace that is named, and in every other one of the team"
			return nil, e
		case errors.Is(err, ErrNoTekton):
			e.Reason, e.Next = ReasonMissing, "see whether Tekton is installed in this cluster; --kubeconfig and --context choose another one"
			return nil, e
		default:
			return nil, x.named(err)
		}
		for _, run := range runs {
			if x.cluster != "" {
				run = x.cluster + ": " + run
			}
			all = append(all, run)
		}
	}
	return all, nil
}
