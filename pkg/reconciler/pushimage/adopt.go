package pushimage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// adopt takes the TaskRun that is there for the one that an earlier try made, if it is what this try would have made.
func (r *Reconciler) adopt(ctx context.Context, run *v1beta1.CustomRun, want *pipelinev1.TaskRun) (*pipelinev1.TaskRun, error) {
	task, err := r.live(ctx, want.Namespace, want.Name)
	if err != nil {
		return nil, fmt.Errorf("reading TaskRun %q: %w", want.Name, err)
	}
	conflict := func(why string) error {
		return customrun.Failf(v1alpha1.ReasonTaskRunNameConflict,
			"a TaskRun %q exists that this CustomRun did not make: %s; delete it and run the PipelineRun again", want.Name, why)
	}
	if !belongs(task, run) {
		return nil, conflict("it is not the CustomRun's")
	}
	made, err := r.made(ctx, want)
	if refused(err) {
		return nil, conflict(fmt.Sprintf("the API server would refuse the CustomRun's, %v", err))
	} else if err != nil {
		return nil, fmt.Errorf("trying to create TaskRun %q: %w", want.Name, err)
	}
	if why := difference(made, task); why != "" {
		return nil, conflict(why)
	}
	return task, nil
}

// made returns what the API server would make of want now: Tekton's webhook fills in what a ConfigMap of Tekton's says, and others
// may, too. The name is taken, so that it gets another.
func (r *Reconciler) made(ctx context.Context, want *pipelinev1.TaskRun) (*pipelinev1.TaskRun, error) {
	trial := want.DeepCopy()
	trial.Name, trial.GenerateName = "", "push-"
	return r.tekton.TektonV1().TaskRuns(want.Namespace).Create(ctx, trial, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
}

// difference says what of the TaskRun is not as made; "" if nothing.
func difference(made, task *pipelinev1.TaskRun) string {
	spec := task.Spec.DeepCopy()
	if spec.Status == pipelinev1.TaskRunSpecStatusCancelled {
		spec.Status, spec.StatusMessage = "", "" // An earlier try stopped it.
	}
	switch {
	case task.DeletionTimestamp != nil:
		return "it is being deleted"
	case !equality.Semantic.DeepEqual(made.Spec, *spec):
		return "its spec is another"
	case !equality.Semantic.DeepEqual(made.OwnerReferences, task.OwnerReferences):
		return "its owners are others"
	}
	if key := cmp.Or(other(made.Labels, task.Labels, labelsOfTekton), missing(made.Labels, task.Labels)); key != "" {
		return fmt.Sprintf("its label %q is another", key)
	}
	// One that is missing may have come to the CustomRun since.
	if key := other(made.Annotations, task.Annotations, annotationsOfTekton); key != "" {
		return fmt.Sprintf("its annotation %q is another", key)
	}
	for _, finalizer := range task.Finalizers {
		if !hasPrefix(finalizer, finalizersOfTekton) {
			return fmt.Sprintf("finalizer %q holds it", finalizer)
		}
	}
	return ""
}

// What is put on a TaskRun that is under way, by the beginning of its name: by Tekton, from its Task, which Git or a catalog may have brought;
// and by Chains and Results, which hold it until they have seen its end.
var (
	labelsOfTekton      = []string{"tekton.dev/task", "app.kubernetes.io/version", "app.kubernetes.io/part-of", "app.kubernetes.io/instance"}
	annotationsOfTekton = []string{"tekton.dev/", "pipeline.tekton.dev/", "chains.tekton.dev/", "results.tekton.dev/", "argocd.argoproj.io/", "artifacthub.io/"}
	finalizersOfTekton  = []string{"chains.tekton.dev", "results.tekton.dev"}
)

// other returns a key of got with another value than want's, or that want does not have, unless it begins with one of allowed.
func other(want, got map[string]string, allowed []string) string {
	for key, value := range got {
		if wanted, ok := want[key]; ok && wanted != value || !ok && !hasPrefix(key, allowed) {
			return key
		}
	}
	return ""
}

func missing(want, got map[string]string) string {
	for key := range want {
		if _, ok := got[key]; !ok {
			return key
		}
	}
	return ""
}

func hasPrefix(text string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(text, prefix) })
}
