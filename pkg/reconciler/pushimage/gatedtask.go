package pushimage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/request"
)

// checkGated fails where a TaskRun is to push through a gate, and its Task does not have the params for that: Tekton takes params
// that a Task does not declare for nothing (tektoncd/pipeline: pkg/reconciler/taskrun/validate_taskrun.go), and an older Task would tag
// the image that nobody had looked at. That there is no such Task is for Tekton to say.
func (r *Reconciler) checkGated(ctx context.Context, want *pipelinev1.TaskRun) error {
	needs := gateParams(want)
	if len(needs) == 0 {
		return nil
	}
	name, namespace := resolved(want.Spec.TaskRef, "name"), resolved(want.Spec.TaskRef, "namespace")
	task, err := r.tekton.TektonV1().Tasks(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading Task %q: %w", namespace+"/"+name, err)
	}
	lacks := slices.DeleteFunc(needs, func(need string) bool {
		return slices.ContainsFunc(task.Spec.Params, func(p pipelinev1.ParamSpec) bool { return p.Name == need })
	})
	if len(lacks) == 0 {
		return nil
	}
	return customrun.Failf(v1alpha1.ReasonTaskOutdated, "Task %q has no param %s, and would tag the image before it was scanned; let the platform team install the Task of this version",
		namespace+"/"+name, strings.Join(lacks, ", "))
}

// gateParams are the names of the params of a gate that a TaskRun has.
func gateParams(task *pipelinev1.TaskRun) (names []string) {
	for _, p := range task.Spec.Params {
		if slices.Contains(request.GateParams, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}

// resolved is a param of a resolver.
func resolved(ref *pipelinev1.TaskRef, name string) string {
	for _, p := range ref.Params {
		if p.Name == name {
			return p.Value.StringVal
		}
	}
	return ""
}
