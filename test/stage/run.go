package stage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

// NewRun returns a PipelineRun of pipeline in the tenant's namespace, with params and a fresh volume as workspace source.
func NewRun(t Tenant, pipeline string, params map[string]string) *pipelinev1.PipelineRun {
	prefix := t.Team + "-"
	if t.Namespace == SharedNamespace {
		prefix = t.Team + "--"
	}
	run := &pipelinev1.PipelineRun{
		ObjectMeta: metav1.ObjectMeta{GenerateName: prefix, Namespace: t.Namespace},
		Spec: pipelinev1.PipelineRunSpec{
			PipelineRef: &pipelinev1.PipelineRef{Name: pipeline},
			Timeouts:    &pipelinev1.TimeoutFields{Pipeline: &metav1.Duration{Duration: 5 * time.Minute}},
			Workspaces: []pipelinev1.WorkspaceBinding{{
				Name: "source",
				VolumeClaimTemplate: &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{
					AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
					Resources: corev1.VolumeResourceRequirements{
						Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("64Mi")},
					},
				}},
			}},
		},
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		run.Spec.Params = append(run.Spec.Params, pipelinev1.Param{Name: name, Value: *pipelinev1.NewStructuredValues(params[name])})
	}
	return run
}

// NewPush returns a PipelineRun whose only task, push, is a PushImage to imageRef from an empty workspace source.
func NewPush(t Tenant, imageRef string) *pipelinev1.PipelineRun {
	run := NewRun(t, "", nil)
	run.Spec.PipelineRef = nil
	run.Spec.Workspaces = []pipelinev1.WorkspaceBinding{{Name: "source", EmptyDir: &corev1.EmptyDirVolumeSource{}}}
	run.Spec.PipelineSpec = &pipelinev1.PipelineSpec{
		Workspaces: []pipelinev1.PipelineWorkspaceDeclaration{{Name: "source"}},
		Tasks: []pipelinev1.PipelineTask{{
			Name:       "push",
			TaskRef:    &pipelinev1.TaskRef{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KindPushImage},
			Params:     pipelinev1.Params{{Name: v1alpha1.ParamImageRef, Value: *pipelinev1.NewStructuredValues(imageRef)}},
			Workspaces: []pipelinev1.WorkspacePipelineTaskBinding{{Name: v1alpha1.WorkspaceSource, Workspace: "source"}},
		}},
	}
	return run
}

// From makes claim the run's workspace source.
func From(claim string, run *pipelinev1.PipelineRun) *pipelinev1.PipelineRun {
	run.Spec.Workspaces[0] = pipelinev1.WorkspaceBinding{Name: "source", PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}
	return run
}

// Run creates run and waits until it has ended, well or not, and returns its last state.
func (s *Stage) Run(ctx context.Context, run *pipelinev1.PipelineRun) (*pipelinev1.PipelineRun, error) {
	client := s.Tekton.TektonV1().PipelineRuns(run.Namespace)
	run, err := client.Create(ctx, run, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("creating PipelineRun: %w", err)
	}
	return s.Wait(ctx, run)
}

// Wait waits until run has ended, well or not, and returns its last state.
func (s *Stage) Wait(ctx context.Context, run *pipelinev1.PipelineRun) (*pipelinev1.PipelineRun, error) {
	return waitFor(ctx, s.Tekton.TektonV1().PipelineRuns(run.Namespace).Watch, run.Name, (*pipelinev1.PipelineRun).IsDone)
}

// WaitTaskRun waits until run has ended, well or not, and returns its last state.
func (s *Stage) WaitTaskRun(ctx context.Context, run *pipelinev1.TaskRun) (*pipelinev1.TaskRun, error) {
	return waitFor(ctx, s.Tekton.TektonV1().TaskRuns(run.Namespace).Watch, run.Name, (*pipelinev1.TaskRun).IsDone)
}

// RunCustom creates a CustomRun and waits until it has ended.
func (s *Stage) RunCustom(ctx context.Context, run *v1beta1.CustomRun) (*v1beta1.CustomRun, error) {
	client := s.Tekton.TektonV1beta1().CustomRuns(run.Namespace)
	run, err := client.Create(ctx, run, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("creating CustomRun: %w", err)
	}
	return waitFor(ctx, client.Watch, run.Name, (*v1beta1.CustomRun).IsDone)
}

// CustomRunOf returns the CustomRun of the run's pipeline task push.
func (s *Stage) CustomRunOf(ctx context.Context, run *pipelinev1.PipelineRun) (*v1beta1.CustomRun, error) {
	return s.Tekton.TektonV1beta1().CustomRuns(run.Namespace).Get(ctx, run.Name+"-push", metav1.GetOptions{})
}

// Results returns the run's results by name.
func Results(run *pipelinev1.PipelineRun) map[string]string {
	results := map[string]string{}
	for _, r := range run.Status.Results {
		results[r.Name] = r.Value.StringVal
	}
	return results
}

// Outcome returns the run's condition Succeeded, never nil.
func Outcome(conditions duckv1.Conditions) apis.Condition {
	for _, c := range conditions {
		if c.Type == apis.ConditionSucceeded {
			return c
		}
	}
	return apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionUnknown}
}

func waitFor[T any](ctx context.Context, open func(context.Context, metav1.ListOptions) (watch.Interface, error), name string, done func(T) bool) (T, error) {
	var last T
	for {
		w, err := open(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", name).String()})
		if err != nil {
			return last, fmt.Errorf("watching %q: %w", name, err)
		}
		for event := range w.ResultChan() {
			object, ok := event.Object.(T)
			if event.Type == watch.Deleted || !ok {
				w.Stop()
				return last, fmt.Errorf("watching %q: %s", name, event.Type)
			}
			if last = object; done(object) {
				w.Stop()
				return object, nil
			}
		}
		if ctx.Err() != nil {
			return last, fmt.Errorf("waiting for %q to end: %w", name, ctx.Err())
		}
	}
}
