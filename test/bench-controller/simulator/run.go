package simulator

import (
	"context"
	"errors"
	"fmt"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/kmeta"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// Kind is that of a custom task.
type Kind struct{ APIVersion, Name string }

// PushImage is ours, Foreign one that nobody here answers.
var (
	PushImage = Kind{v1alpha1.APIVersion, v1alpha1.KindPushImage}
	Foreign   = Kind{"approvals.example.com/v1", "Approval"}
)

// LabelWatched marks the runs that are measured, and their TaskRuns, which inherit it.
const LabelWatched = "bench.example.com/watched"

// pipelineTask is the custom task's name in the pipeline, as reconcilertest has it.
const pipelineTask = "push"

// Run is a PipelineRun and the CustomRun that it is about to make.
type Run struct {
	Tenant Tenant
	// Name is the PipelineRun's, Child the CustomRun's.
	Name, Child string
	pipelineRun *pipelinev1.PipelineRun
}

// Key is the CustomRun's namespace and name.
func (r *Run) Key() string { return r.Tenant.Namespace + "/" + r.Child }

// Prepare makes the PipelineRun, which runs and lists its CustomRun.
func (t *Tekton) Prepare(ctx context.Context, tenant Tenant, name string) (*Run, error) {
	run := &Run{Tenant: tenant, Name: name, Child: name + "-" + pipelineTask}
	object := reconcilertest.NewPipelineRun(tenant.Namespace, name, run.Child)
	status := object.Status
	status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionUnknown, Reason: "Running"})
	object.UID, object.Spec.PipelineRef = "", &pipelinev1.PipelineRef{Name: "build-and-push"}
	pipelineRuns := t.client.TektonV1().PipelineRuns(tenant.Namespace)
	made, err := pipelineRuns.Create(ctx, object, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("creating PipelineRun %q: %w", name, err)
	}
	made.Status = status
	if run.pipelineRun, err = pipelineRuns.UpdateStatus(ctx, made, metav1.UpdateOptions{}); err != nil {
		return nil, fmt.Errorf("writing status of PipelineRun %q: %w", name, err)
	}
	return run, nil
}

// Create makes the run's CustomRun, of kind.
func (t *Tekton) Create(ctx context.Context, run *Run, kind Kind) error {
	object := newCustomRun(run.Tenant, run.Name, run.Child, kind)
	object.Labels[LabelWatched] = "true"
	object.OwnerReferences = []metav1.OwnerReference{*kmeta.NewControllerRef(run.pipelineRun)}
	if _, err := t.client.TektonV1beta1().CustomRuns(object.Namespace).Create(ctx, object, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating CustomRun %q: %w", object.Name, err)
	}
	return nil
}

func newCustomRun(tenant Tenant, pipelineRun, name string, kind Kind) *v1beta1.CustomRun {
	object := reconcilertest.NewCustomRun(tenant.Namespace, pipelineRun, name, kind.Name)
	object.Spec.CustomRef.APIVersion = kind.APIVersion
	object.Spec.Params[0].Value = *v1beta1.NewStructuredValues(tenant.repository())
	return object
}

// Prune deletes what there is of the runs of the tenants that are watched, as a pruner would.
func (t *Tekton) Prune(ctx context.Context, tenants []Tenant) error {
	watched := metav1.ListOptions{LabelSelector: LabelWatched + "=true"}
	for _, tenant := range tenants {
		// There is no garbage collector that would follow the owners.
		err := t.client.TektonV1beta1().CustomRuns(tenant.Namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, watched)
		err2 := t.client.TektonV1().TaskRuns(tenant.Namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, watched)
		if err := errors.Join(err, err2); err != nil {
			return fmt.Errorf("pruning runs in namespace %q: %w", tenant.Namespace, err)
		}
	}
	return nil
}
