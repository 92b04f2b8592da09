//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	pipelinepod "github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
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

// H1, H2, H5: a run of a Pipeline of the platform's that takes the Secret's name as a param. What else names a Secret in the shared namespace is
// a Pod of Tekton's in the end: podVerdicts.
func TestHoleOtherTeamsSecret(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	attacker := battlefield(t)
	for name, secret := range map[string]string{"the robot": victim.Secret, "a copy of it": victim.Secret + ".x", "the Git user": victim.GitSecret} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run, err := attacker.TektonV1().PipelineRuns(stage.SharedNamespace).Create(ctx, named(secret), metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			wantFailedWithoutPod(t, ctx, run, "push")
		})
	}
}

// named is a run of the attacker's that is honest, but for the Secret that it names.
func named(secret string) *pipelinev1.PipelineRun {
	run := stage.NewRun(stage.Tenant{Team: "platform", Namespace: stage.SharedNamespace}, "build-and-push-quay",
		map[string]string{"image-ref": victim.Repository, "dockerconfig-secret": secret})
	run.Labels = map[string]string{"apps.platform/team": "platform"}
	run.Spec.TaskRunTemplate.PodTemplate = &pipelinepod.Template{SecurityContext: &corev1.PodSecurityContext{FSGroup: new(int64(65532))}}
	return run
}

// testOtherTeamsSecret tries every way in which a run of one team can name another team's Secret, in a guarded namespace of a tenant's.
func testOtherTeamsSecret(t *testing.T, ctx context.Context, attacker tekton.Interface, namespace string) {
	with := func(task pipelinev1.PipelineTask, edit func(*pipelinev1.PipelineRun)) *pipelinev1.PipelineRun {
		run := attackOf(task)
		edit(run)
		return run
	}
	plain := steal(func(*pipelinev1.TaskSpec) {})
	template := func(p *pipelinepod.Template) *pipelinev1.PipelineRun {
		return with(plain, func(r *pipelinev1.PipelineRun) { r.Spec.TaskRunTemplate.PodTemplate = p })
	}
	secretVolume := corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: victim.Secret}}
	attacks := map[string]*pipelinev1.PipelineRun{
		"param of the shared Task": with(pipelinev1.PipelineTask{TaskRef: &pipelinev1.TaskRef{Name: "push-image-quay"},
			Params: pipelinev1.Params{{Name: "dockerconfig-secret", Value: *pipelinev1.NewStructuredValues(victim.Secret)},
				{Name: "image-ref", Value: *pipelinev1.NewStructuredValues(victim.Repository)}}}, bindSource),
		"volume":          attackOf(volume(secretVolume)),
		"optional volume": attackOf(volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: victim.Secret, Optional: new(true)}})),
		"projected volume": attackOf(volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{
			Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: victim.Secret}}}}}})),
		"CSI volume": attackOf(volume(corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "x.example.com",
			NodePublishSecretRef: &corev1.LocalObjectReference{Name: victim.Secret}}})),
		"env": attackOf(steal(func(t *pipelinev1.TaskSpec) {
			t.Steps[0].Env = []corev1.EnvVar{{Name: "LOOT", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: victim.Secret}, Key: ".dockerconfigjson"}}}}
		})),
		"envFrom": attackOf(steal(func(t *pipelinev1.TaskSpec) {
			t.Steps[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: victim.Secret}}}}
		})),
		"sidecar's env": attackOf(steal(func(t *pipelinev1.TaskSpec) {
			t.Sidecars = []pipelinev1.Sidecar{{Name: "s", Image: "localhost:5000/static:latest", Command: []string{"/x"},
				EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: victim.Secret}}}}}}
		})),
		"workspace": with(steal(func(t *pipelinev1.TaskSpec) { t.Workspaces = []pipelinev1.WorkspaceDeclaration{{Name: "w"}} }), func(r *pipelinev1.PipelineRun) {
			r.Spec.PipelineSpec.Workspaces = []pipelinev1.PipelineWorkspaceDeclaration{{Name: "w"}}
			r.Spec.PipelineSpec.Tasks[0].Workspaces = []pipelinev1.WorkspacePipelineTaskBinding{{Name: "w", Workspace: "w"}}
			r.Spec.Workspaces = []pipelinev1.WorkspaceBinding{{Name: "w", Secret: &corev1.SecretVolumeSource{SecretName: victim.Secret}}}
		}),
		"podTemplate volume":           template(&pipelinepod.Template{Volumes: []corev1.Volume{{Name: "loot", VolumeSource: secretVolume}}}),
		"podTemplate imagePullSecrets": template(&pipelinepod.Template{ImagePullSecrets: []corev1.LocalObjectReference{{Name: victim.Secret}}}),
		"podTemplate env": template(&pipelinepod.Template{Env: []corev1.EnvVar{{Name: "LOOT", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: victim.Secret}, Key: ".dockerconfigjson"}}}}}),
	}
	for name, run := range attacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run, err := attacker.TektonV1().PipelineRuns(namespace).Create(ctx, run, metav1.CreateOptions{})
			if apierrs.IsInvalid(err) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
			wantFailedWithoutPod(t, ctx, run, "attack")
		})
	}
}

func bindSource(r *pipelinev1.PipelineRun) {
	r.Spec.PipelineSpec.Workspaces = []pipelinev1.PipelineWorkspaceDeclaration{{Name: "source"}}
	r.Spec.PipelineSpec.Tasks[0].Workspaces = []pipelinev1.WorkspacePipelineTaskBinding{{Name: "source", Workspace: "source"}}
	r.Spec.Workspaces = []pipelinev1.WorkspaceBinding{{Name: "source", EmptyDir: &corev1.EmptyDirVolumeSource{}}}
}

// wantFailedWithoutPod waits for the run's end: it failed by the policy's word, and no Pod of the task is there.
func wantFailedWithoutPod(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun, task string) {
	t.Helper()
	run, err := s.Wait(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	why := stage.Outcome(run.Status.Conditions)
	said := why.Message
	of := metav1.ListOptions{LabelSelector: "tekton.dev/pipelineTask=" + task + ",tekton.dev/pipelineRun=" + run.Name}
	tasks, err := s.Tekton.TektonV1().TaskRuns(run.Namespace).List(ctx, of)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks.Items {
		said += " " + stage.Outcome(task.Status.Conditions).Message
	}
	if why.Status != corev1.ConditionFalse || !strings.Contains(said, "ValidatingAdmissionPolicy") || !strings.Contains(said, "of team platform") {
		t.Errorf("the attack ended with %s, %s: %s", why.Status, why.Reason, said)
	}
	pods, err := s.Kube.CoreV1().Pods(run.Namespace).List(ctx, of)
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		t.Errorf("Pod %s runs with volumes %v", pod.Name, pod.Spec.Volumes)
	}
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
