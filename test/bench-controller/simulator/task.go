package simulator

import (
	"fmt"
	"os"
	"path/filepath"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

// readTask reads the Task that the controller has push, from the repository: Tekton copies it into every TaskRun's status.
func readTask(root string) (*pipelinev1.Task, error) {
	path := filepath.Join(root, "tekton", "task", "push-image-quay", "0.1", "push-image-quay.yaml")
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	task := &pipelinev1.Task{}
	if err := yaml.Unmarshal(content, task); err != nil {
		return nil, fmt.Errorf("reading Task %q: %w", path, err)
	}
	if len(task.Spec.Steps) == 0 {
		return nil, fmt.Errorf("reading Task %q: it has no steps", path)
	}
	return task, nil
}

// newTaskRun is one as the controller makes it.
func newTaskRun(tenant Tenant, name string) *pipelinev1.TaskRun {
	param := func(name, value string) pipelinev1.Param {
		return pipelinev1.Param{Name: name, Value: *pipelinev1.NewStructuredValues(value)}
	}
	return &pipelinev1.TaskRun{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: tenant.Namespace, Labels: map[string]string{
			v1alpha1.LabelManaged: "true", v1alpha1.LabelTeam: tenant.Team, "tekton.dev/pipelineRun": name, "tekton.dev/customRun": name}},
		Spec: pipelinev1.TaskRunSpec{
			TaskRef: &pipelinev1.TaskRef{ResolverRef: pipelinev1.ResolverRef{Resolver: "cluster", Params: pipelinev1.Params{
				param("kind", "task"), param("name", "push-image-quay"), param("namespace", "openshift-pipelines")}}},
			Params: pipelinev1.Params{param(v1alpha1.ParamImageRef, tenant.repository()),
				param(v1alpha1.ParamDockerconfigSecret, "quay-robot-"+tenant.Organization)},
			ServiceAccountName: "default",
		},
	}
}
