package pushimage

import (
	"fmt"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/push/verdict"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// state is what the controller keeps of a run, in status.extraFields, which tenants cannot write: the decision, taken once,
// and the TaskRun that followed from it.
type state struct {
	Team         string      `json:"team"`
	Division     string      `json:"division,omitempty"`
	App          string      `json:"app,omitempty"`
	Organization string      `json:"organization"`
	Rule         tenant.Rule `json:"rule"`
	Evidence     string      `json:"evidence"`
	// Secret is the tenant's, ProjectedSecret the run's own copy of it, if it has one.
	Secret          string `json:"secret"`
	ProjectedSecret string `json:"projectedSecret,omitempty"`
	// Gate is what the image must not have, such as high+fixable-only; empty where nobody looks into it.
	Gate string `json:"gate,omitempty"`
	// Waiting says that the run waits for its turn in custody, and has no TaskRun yet.
	Waiting bool  `json:"waiting,omitempty"`
	TaskRun child `json:"taskRun"`
	// Receipt is what the receipt of the push says of the run, kept from when it began; nil where none are written.
	Receipt *origin `json:"receipt,omitempty"`
}

// origin is where a run comes from.
type origin struct {
	// PipelineRun and its UID are those of the owner that was proved, empty if there is none.
	PipelineRun    string    `json:"pipelineRun,omitempty"`
	PipelineRunUID types.UID `json:"pipelineRunUID,omitempty"`
	// SourceCommit is what the run claims.
	SourceCommit string `json:"sourceCommit,omitempty"`
}

type child struct {
	// Namespace is empty in the CustomRun's own.
	Namespace string    `json:"namespace,omitempty"`
	Name      string    `json:"name"`
	UID       types.UID `json:"uid"`
}

// decided records a decision.
func decided(d tenant.Decision) state {
	return state{Team: d.Team, Division: d.Division, App: d.App, Organization: d.Organization, Rule: d.Rule, Evidence: d.Evidence, Secret: d.Secret}
}

// newState records the decision about run, and the TaskRun that mounts Secret secret and has the gate p.
func newState(run *v1beta1.CustomRun, d tenant.Decision, task *pipelinev1.TaskRun, secret string, p verdict.Policy) state {
	s := decided(d)
	s.TaskRun = child{Name: task.Name, UID: task.UID}
	if task.Namespace != run.Namespace {
		s.TaskRun.Namespace = task.Namespace
	}
	if secret != d.Secret {
		s.ProjectedSecret = secret
	}
	if p.Threshold != verdict.None {
		s.Gate = p.String()
	}
	return s
}

// stateOf reads the state of the run; the zero state if no TaskRun was made.
func stateOf(run *v1beta1.CustomRun) (state, error) {
	var s state
	if err := run.Status.DecodeExtraFields(&s); err != nil {
		return s, fmt.Errorf("reading status.extraFields of CustomRun %q: %w", run.Name, err)
	}
	return s, nil
}
