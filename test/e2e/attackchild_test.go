//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// Tekton knows a run's children by their names, owners and labels.
var childAttacks = map[string]attack{
	// What the platform's runs are made of: it would be in everybody's next one.
	"a Pipeline of the platform": {
		send: func(ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) error {
			_, err := f.attacker.TektonV1().Pipelines(stage.SharedNamespace).Patch(ctx, taskPipeline, types.MergePatchType,
				[]byte(`{"spec":{"description":"`+name+`"}}`), metav1.PatchOptions{})
			return err
		},
		won: func(t *testing.T, ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) {
			pipeline, err := s.Tekton.TektonV1().Pipelines(stage.SharedNamespace).Get(ctx, taskPipeline, metav1.GetOptions{})
			if err != nil || pipeline.Spec.Description != name {
				t.Errorf("the Pipeline is as it was: %v", err)
			}
		},
	},
	// The garbage collector deletes what has an owner that is not there.
	"an owner that is not there": {
		victim: taskPipeline,
		send: func(ctx context.Context, f *playground, _ string, victim *pipelinev1.PipelineRun) error {
			_, err := f.attacker.TektonV1().PipelineRuns(victim.Namespace).Patch(ctx, victim.Name, types.MergePatchType, []byte(`{"metadata":{"ownerReferences":[
				{"apiVersion":"v1","kind":"ConfigMap","name":"not-there","uid":"11111111-2222-3333-4444-555555555555"}]}}`), metav1.PatchOptions{})
			return err
		},
		won: func(t *testing.T, ctx context.Context, _ *playground, _ string, victim *pipelinev1.PipelineRun) {
			waitUntil(t, ctx, "the victim's run is gone", func() bool {
				_, err := s.Tekton.TektonV1().PipelineRuns(victim.Namespace).Get(ctx, victim.Name, metav1.GetOptions{})
				return apierrs.IsNotFound(err)
			})
		},
	},
	"a child of another": {
		victim: taskPipeline,
		send: func(ctx context.Context, f *playground, name string, victim *pipelinev1.PipelineRun) error {
			forged := &pipelinev1.TaskRun{ObjectMeta: childOf(victim, name), Spec: pipelinev1.TaskRunSpec{TaskSpec: &pipelinev1.TaskSpec{
				Results: []pipelinev1.TaskResult{{Name: v1alpha1.ResultImageDigest}}, Steps: []pipelinev1.Step{f.step("result", v1alpha1.ResultImageDigest+"="+evilDigest)}}}}
			_, err := f.attacker.TektonV1().TaskRuns(victim.Namespace).Create(ctx, forged, metav1.CreateOptions{})
			return err
		},
		won: func(t *testing.T, ctx context.Context, _ *playground, _ string, victim *pipelinev1.PipelineRun) {
			prints(t, ctx, victim.Namespace, "tekton.dev/pipelineTask=update-overlay,tekton.dev/pipelineRun="+victim.Name, evilDigest)
			run, err := s.Wait(ctx, victim)
			if err != nil {
				t.Fatal(err)
			}
			if got := stage.Results(run)[v1alpha1.ResultImageDigest]; got != evilDigest {
				t.Errorf("the victim's result is %q", got)
			}
		},
	},
	// The controller would give the victim's push this name.
	"the name of a push": {
		victim: pushPipeline,
		send: func(ctx context.Context, f *playground, _ string, victim *pipelinev1.PipelineRun) error {
			return f.taskRun(ctx, victim.Name+"-push", "", pipelinev1.TaskSpec{Steps: []pipelinev1.Step{f.step("sleep", "1s")}})
		},
		won: func(t *testing.T, ctx context.Context, _ *playground, _ string, victim *pipelinev1.PipelineRun) {
			wantFailed(t, ctx, victim)
			squat, err := s.Tekton.TektonV1().TaskRuns(victim.Namespace).Get(ctx, victim.Name+"-push", metav1.GetOptions{})
			if err != nil || squat.Labels["apps.platform/team"] != "platform" {
				t.Errorf("the victim's push has its name: %v", err)
			}
		},
	},
	// The controller knows its TaskRun, and Tekton its child, by this reference.
	"a child without its owner": {
		victim: taskPipeline,
		send: func(ctx context.Context, f *playground, _ string, victim *pipelinev1.PipelineRun) error {
			name := victim.Name + "-build"
			if err := there(ctx, func() error {
				_, err := s.Tekton.TektonV1().TaskRuns(victim.Namespace).Get(ctx, name, metav1.GetOptions{})
				return err
			}); err != nil {
				return err
			}
			_, err := f.attacker.TektonV1().TaskRuns(victim.Namespace).Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"ownerReferences":null}}`), metav1.PatchOptions{})
			return err
		},
		won: func(t *testing.T, ctx context.Context, _ *playground, _ string, victim *pipelinev1.PipelineRun) {
			child, err := s.Tekton.TektonV1().TaskRuns(victim.Namespace).Get(ctx, victim.Name+"-build", metav1.GetOptions{})
			if err != nil || len(child.OwnerReferences) != 0 {
				t.Errorf("it still has its owner: %v", err)
			}
		},
	},
	// Nobody answers this one, and Tekton makes no other.
	"a CustomRun of another kind": {
		victim: pushPipeline,
		send: func(ctx context.Context, f *playground, name string, victim *pipelinev1.PipelineRun) error {
			_, err := f.attacker.TektonV1beta1().CustomRuns(victim.Namespace).Create(ctx, &v1beta1.CustomRun{ObjectMeta: childOf(victim, name),
				Spec: v1beta1.CustomRunSpec{CustomRef: &v1beta1.TaskRef{APIVersion: "example.com/v1", Kind: "Nothing"}}}, metav1.CreateOptions{})
			return err
		},
		won: func(t *testing.T, ctx context.Context, _ *playground, name string, victim *pipelinev1.PipelineRun) {
			if child := pushOf(t, ctx, victim); child != name {
				t.Errorf("the victim's push is %q, want %q", child, name)
			}
		},
	},
	// A run and a task whose names make that of the victim's push.
	"a run that makes the name of a push": {
		victim: pushPipeline,
		send: func(ctx context.Context, f *playground, _ string, victim *pipelinev1.PipelineRun) error {
			own, task := squatted(victim)
			_, err := f.attacker.TektonV1().PipelineRuns(victim.Namespace).Create(ctx, &pipelinev1.PipelineRun{
				ObjectMeta: metav1.ObjectMeta{Name: own, Labels: map[string]string{"apps.platform/team": "platform"}},
				Spec: pipelinev1.PipelineRunSpec{PipelineSpec: &pipelinev1.PipelineSpec{Workspaces: sourceDeclared, Tasks: []pipelinev1.PipelineTask{push(task)}},
					Workspaces: []pipelinev1.WorkspaceBinding{{Name: "source", EmptyDir: &corev1.EmptyDirVolumeSource{}}}}}, metav1.CreateOptions{})
			return err
		},
		won: func(t *testing.T, ctx context.Context, _ *playground, _ string, victim *pipelinev1.PipelineRun) {
			child := pushOf(t, ctx, victim)
			custom, err := s.Tekton.TektonV1beta1().CustomRuns(victim.Namespace).Get(ctx, child, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			own, _ := squatted(victim)
			if owner := metav1.GetControllerOf(custom); owner == nil || owner.Name != own {
				t.Errorf("the victim's push %q is of %v, want %q", child, owner, own)
			}
		},
	},
}

// squatted returns the names of a run and of its task, whose child has the name of the victim's push.
func squatted(victim *pipelinev1.PipelineRun) (run, task string) {
	i := strings.LastIndex(victim.Name, "-")
	return victim.Name[:i], victim.Name[i+1:] + "-push"
}

// childOf is the metadata by which Tekton takes an object for the push of the run.
func childOf(run *pipelinev1.PipelineRun, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name,
		Labels: map[string]string{"apps.platform/team": "platform", "tekton.dev/pipelineRun": run.Name, "tekton.dev/pipelineRunUID": string(run.UID),
			"tekton.dev/pipeline": run.Spec.PipelineRef.Name, "tekton.dev/pipelineTask": "push", "tekton.dev/memberOf": "tasks"},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "tekton.dev/v1", Kind: "PipelineRun", Name: run.Name, UID: run.UID, Controller: new(true)}}}
}

// pushOf waits until the run has a child for its task push, and returns its name.
func pushOf(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun) (name string) {
	t.Helper()
	waitUntil(t, ctx, fmt.Sprint(run.Name, " has a push"), func() bool {
		now, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Get(ctx, run.Name, metav1.GetOptions{})
		if err != nil {
			return false
		}
		for _, child := range now.Status.ChildReferences {
			if child.PipelineTaskName == "push" {
				name = child.Name
			}
		}
		return name != ""
	})
	return name
}

func wantFailed(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun) {
	t.Helper()
	run, err := s.Wait(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionFalse {
		t.Errorf("%s ended with %s: %s", run.Name, outcome.Status, outcome.Message)
	}
}

// there waits until get finds what it looks for.
func there(ctx context.Context, get func() error) error {
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		err := get()
		if apierrs.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	})
}
