package stage

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Decision is what the controller says in a CustomRun's status.extraFields.
type Decision struct {
	Team, Rule, Evidence, Secret string
}

// DecisionOf reads the decision from the run's status.
func DecisionOf(run *v1beta1.CustomRun) (Decision, error) {
	var d Decision
	if err := json.Unmarshal(run.Status.ExtraFields.Raw, &d); err != nil {
		return d, fmt.Errorf("reading extraFields of CustomRun %q: %w", run.Name, err)
	}
	return d, nil
}

// PodsOf counts the Pods that were made for the CustomRun.
func (s *Stage) PodsOf(ctx context.Context, run *v1beta1.CustomRun) (int, error) {
	pods, err := s.Kube.CoreV1().Pods(run.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "tekton.dev/customRun=" + run.Name})
	if err != nil {
		return 0, err
	}
	return len(pods.Items), nil
}
