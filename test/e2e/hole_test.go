//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/test/stage"
)

// victim is team payments in the shared namespace; the attacker is team platform there, with Tekton's own edit role and the
// right to its own team.
var victim = stage.Tenant{Team: "payments", Namespace: stage.SharedNamespace, App: stage.Payments.App,
	Secret: stage.Payments.Secret, GitSecret: stage.Payments.GitSecret, Repository: stage.Payments.Repository}

const attackerAccount = "trigger-platform"

// battlefield puts both teams' Secrets into the shared namespace, and returns the attacker.
func battlefield(t *testing.T) tekton.Interface {
	t.Helper()
	ctx := within(t, time.Minute)
	for _, team := range []stage.Tenant{stage.Payments, stage.Platform} {
		there := stage.Tenant{Namespace: stage.SharedNamespace}
		if err := s.PutSecret(ctx, there, team.Secret, corev1.SecretTypeDockerConfigJson, s.Quay.Dockerconfig(team.Team)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Kube.CoreV1().Secrets(stage.SharedNamespace).Delete(context.Background(), team.Secret, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	// Other accounts that are worth having are there, too.
	for _, account := range []string{attackerAccount, "trigger-payments"} {
		putAccount(t, ctx, stage.SharedNamespace, account, true)
	}
	bindTektonEdit(t, stage.SharedNamespace, attackerAccount)
	grant(t, attackerAccount, useOf("platform"))
	return as(t, "system:serviceaccount:"+stage.SharedNamespace+":"+attackerAccount)
}

// attackOf is a PipelineRun of the attacker's own team with one task, for any namespace.
func attackOf(task pipelinev1.PipelineTask) *pipelinev1.PipelineRun {
	task.Name = "attack"
	return &pipelinev1.PipelineRun{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "attack-", Labels: map[string]string{"apps.platform/team": "platform"}},
		Spec: pipelinev1.PipelineRunSpec{
			PipelineSpec: &pipelinev1.PipelineSpec{Tasks: []pipelinev1.PipelineTask{task}},
			Timeouts:     &pipelinev1.TimeoutFields{Pipeline: &metav1.Duration{Duration: time.Minute}},
		},
	}
}

// steal is a task whose one step gets at the Secret in the way that edit adds.
func steal(edit func(*pipelinev1.TaskSpec)) pipelinev1.PipelineTask {
	spec := pipelinev1.TaskSpec{Steps: []pipelinev1.Step{{Name: "steal", Image: "localhost:5000/static:latest", Command: []string{"/steal"}}}}
	edit(&spec)
	return pipelinev1.PipelineTask{TaskSpec: &pipelinev1.EmbeddedTask{TaskSpec: spec}}
}

func volume(source corev1.VolumeSource) pipelinev1.PipelineTask {
	return steal(func(t *pipelinev1.TaskSpec) { t.Volumes = []corev1.Volume{{Name: "loot", VolumeSource: source}} })
}

// H3: every way in which a run of one team can come to carry another team's label. The run is honest otherwise, and so is its name; it would
// push with the Secret of the team that its labels name. What labels come from a Pipeline or a Task ends at the Pod: podVerdicts.
func TestHoleOtherTeamsLabel(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	attacker := battlefield(t)
	label := map[string]string{"apps.platform/team": "payments"}
	second := map[string]string{"pipeline.comptech-lab.com/team": "payments"}
	runs := attacker.TektonV1().PipelineRuns(stage.SharedNamespace)
	// Where two policies refuse, either may speak.
	const theirs = "may not push as team payments"
	for name, test := range map[string]struct {
		team string
		edit func(*pipelinev1.PipelineRun)
		says string
	}{
		"own label":              {"payments", func(r *pipelinev1.PipelineRun) { r.Labels = label }, theirs},
		"second label":           {"payments", func(r *pipelinev1.PipelineRun) { r.Labels = second }, theirs},
		"both":                   {"platform", func(r *pipelinev1.PipelineRun) { r.Labels["pipeline.comptech-lab.com/team"] = "payments" }, "team"},
		"with prefix":            {"payments", func(r *pipelinev1.PipelineRun) { r.Labels = map[string]string{"apps.platform/team": "team-payments"} }, theirs},
		"empty":                  {"payments", func(r *pipelinev1.PipelineRun) { r.Labels = map[string]string{"apps.platform/team": ""} }, "team"},
		"none":                   {"payments", func(r *pipelinev1.PipelineRun) { r.Labels = nil }, "its team"},
		"the controller's label": {"platform", func(r *pipelinev1.PipelineRun) { r.Labels["quay.comptech-lab.com/team"] = "payments" }, "are set by"},
		"taskRunSpecs": {"platform", func(r *pipelinev1.PipelineRun) {
			r.Spec.TaskRunSpecs = []pipelinev1.PipelineTaskRunSpec{{PipelineTaskName: "push", Metadata: &pipelinev1.PipelineTaskMetadata{Labels: label}}}
		}, "taskRunSpecs"},
	} {
		t.Run(name, func(t *testing.T) {
			run := named(victim.Secret)
			run.GenerateName = test.team + "--"
			test.edit(run)
			if _, err := runs.Create(ctx, run, metav1.CreateOptions{}); !apierrs.IsInvalid(err) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want Invalid that says %q", err, test.says)
			}
		})
	}
	// It would mount that Secret.
	loot := func() *pipelinev1.PipelineRun {
		return attackOf(volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: victim.Secret}}))
	}
	t.Run("a TaskRun", func(t *testing.T) {
		for _, labels := range []map[string]string{label, second, {"quay.comptech-lab.com/team": "payments", "quay.comptech-lab.com/managed": "true"}} {
			task := &pipelinev1.TaskRun{ObjectMeta: metav1.ObjectMeta{GenerateName: "attack-", Labels: labels}, Spec: pipelinev1.TaskRunSpec{TaskSpec: &loot().Spec.PipelineSpec.Tasks[0].TaskSpec.TaskSpec}}
			if _, err := attacker.TektonV1().TaskRuns(stage.SharedNamespace).Create(ctx, task, metav1.CreateOptions{}); !apierrs.IsInvalid(err) {
				t.Errorf("TaskRun with labels %v: %v, want Invalid", labels, err)
			}
		}
	})
	t.Run("a Pipeline and a Task", func(t *testing.T) {
		pipeline := &pipelinev1.Pipeline{ObjectMeta: metav1.ObjectMeta{Name: "attack", Labels: label}, Spec: *loot().Spec.PipelineSpec}
		if _, err := attacker.TektonV1().Pipelines(stage.SharedNamespace).Create(ctx, pipeline, metav1.CreateOptions{}); !apierrs.IsInvalid(err) {
			t.Errorf("creating a Pipeline: %v, want Invalid", err)
		}
		task := &pipelinev1.Task{ObjectMeta: metav1.ObjectMeta{Name: "attack", Labels: label}, Spec: loot().Spec.PipelineSpec.Tasks[0].TaskSpec.TaskSpec}
		if _, err := attacker.TektonV1().Tasks(stage.SharedNamespace).Create(ctx, task, metav1.CreateOptions{}); !apierrs.IsInvalid(err) {
			t.Errorf("creating a Task: %v, want Invalid", err)
		}
		_, err := attacker.TektonV1().Tasks(stage.SharedNamespace).Patch(ctx, "push-image-quay", types.MergePatchType, []byte(`{"spec":{"steps":[{"name":"push","image":"attacker"}]}}`), metav1.PatchOptions{})
		if !apierrs.IsInvalid(err) {
			t.Errorf("patching the shared Task: %v, want Invalid", err)
		}
		if err := attacker.TektonV1().Tasks(stage.SharedNamespace).Delete(ctx, "push-image-quay", metav1.DeleteOptions{}); !apierrs.IsInvalid(err) {
			t.Errorf("deleting the shared Task: %v, want Invalid", err)
		}
	})
}

// H2, H7: what the attacker must not be able to do at all, with Tekton's edit role.
func TestHoleRights(t *testing.T) {
	ctx := within(t, time.Minute)
	battlefield(t)
	for _, want := range []rbacv1.PolicyRule{
		{Verbs: []string{"get", "list", "watch"}, APIGroups: []string{""}, Resources: []string{"secrets"}},
		{Verbs: []string{"create", "get"}, APIGroups: []string{""}, Resources: []string{"pods/exec", "pods/attach", "pods/portforward"}},
		{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"pods"}},
		{Verbs: []string{"update", "patch"}, APIGroups: []string{""}, Resources: []string{"pods/ephemeralcontainers"}},
		{Verbs: []string{"update", "patch"}, APIGroups: []string{"tekton.dev"}, Resources: []string{"customruns/status"}},
		{Verbs: []string{"use"}, APIGroups: []string{"quay.comptech-lab.com"}, Resources: []string{"tenants"}, ResourceNames: []string{"payments"}},
		{Verbs: []string{"administer"}, APIGroups: []string{"quay.comptech-lab.com"}, Resources: []string{"tenants"}},
	} {
		for _, verb := range want.Verbs {
			for _, resource := range want.Resources {
				if allowed, err := mayI(ctx, attackerAccount, verb, want.APIGroups[0], resource, want.ResourceNames); err != nil || allowed {
					t.Errorf("%s %s: allowed %v, %v", verb, resource, allowed, err)
				}
			}
		}
	}
}
