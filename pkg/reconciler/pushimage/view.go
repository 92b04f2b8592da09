package pushimage

import (
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"

	"github.com/comptech-lab/quay-push/pkg/config"
)

// view is what one attempt to bring a run on goes by. State and configuration are read once, when it begins, so that all that the
// attempt does follows from the same of each, whatever changes meanwhile. The PipelineRun joins them in start, which alone needs it.
type view struct {
	run    *v1beta1.CustomRun
	state  state
	config *config.Config
}

// look begins an attempt.
func (r *Reconciler) look(run *v1beta1.CustomRun) (view, error) {
	s, err := stateOf(run)
	return view{run, s, r.config()}, err
}

// custody is the namespace that has the robots' Secrets; empty where there is none.
func (v view) custody() string { return v.config.CustodyNamespace }
