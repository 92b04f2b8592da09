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
// right to its own team. The numbers are those of research/users.md §2.1.
var victim = stage.Tenant{Team: "payments", Namespace: stage.SharedNamespace, Secret: stage.Payments.Secret, Repository: stage.Payments.Repository}

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
	bindTektonEdit(t, stage.SharedNamespace, attackerAccount)
	grant(t, attackerAccount, useOf("platform"))
	return as(t, "system:serviceaccount:"+stage.SharedNamespace+":"+attackerAccount)
}

// attack is a PipelineRun of the attacker's own team with one task, for any namespace.
func attack(task pipelinev1.PipelineTask) *pipelinev1.PipelineRun {
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

// H1, H2, H5: every way in which a run of one team can name another team's Secret.
func TestHoleOtherTeamsSecret(t *testing.T) {
	testOtherTeamsSecret(t, within(t, 8*time.Minute), battlefield(t), stage.SharedNamespace)
}

func testOtherTeamsSecret(t *testing.T, ctx context.Context, attacker tekton.Interface, namespace string) {
	with := func(task pipelinev1.PipelineTask, edit func(*pipelinev1.PipelineRun)) *pipelinev1.PipelineRun {
		run := attack(task)
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
		"volume":          attack(volume(secretVolume)),
		"optional volume": attack(volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: victim.Secret, Optional: new(true)}})),
		"projected volume": attack(volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{
			Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: victim.Secret}}}}}})),
		"CSI volume": attack(volume(corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "x.example.com",
			NodePublishSecretRef: &corev1.LocalObjectReference{Name: victim.Secret}}})),
		"env": attack(steal(func(t *pipelinev1.TaskSpec) {
			t.Steps[0].Env = []corev1.EnvVar{{Name: "LOOT", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: victim.Secret}, Key: ".dockerconfigjson"}}}}
		})),
		"envFrom": attack(steal(func(t *pipelinev1.TaskSpec) {
			t.Steps[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: victim.Secret}}}}
		})),
		"sidecar's env": attack(steal(func(t *pipelinev1.TaskSpec) {
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
	if namespace == stage.SharedNamespace {
		// Elsewhere Tekton finds no Secret of the account to mount.
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "payments-ci"}, Secrets: []corev1.ObjectReference{{Name: victim.Secret}}}
		accounts := s.Kube.CoreV1().ServiceAccounts(namespace)
		if _, err := accounts.Create(ctx, account, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = accounts.Delete(context.Background(), account.Name, metav1.DeleteOptions{}) })
		attacks["another team's ServiceAccount"] = with(plain, func(r *pipelinev1.PipelineRun) { r.Spec.TaskRunTemplate.ServiceAccountName = account.Name })
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
			wantFailedWithoutPod(t, ctx, run)
		})
	}
}

func bindSource(r *pipelinev1.PipelineRun) {
	r.Spec.PipelineSpec.Workspaces = []pipelinev1.PipelineWorkspaceDeclaration{{Name: "source"}}
	r.Spec.PipelineSpec.Tasks[0].Workspaces = []pipelinev1.WorkspacePipelineTaskBinding{{Name: "source", Workspace: "source"}}
	r.Spec.Workspaces = []pipelinev1.WorkspaceBinding{{Name: "source", EmptyDir: &corev1.EmptyDirVolumeSource{}}}
}

// wantFailedWithoutPod waits for the run's end: it failed by the policy's word, and no Pod of it is there.
func wantFailedWithoutPod(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun) {
	t.Helper()
	run, err := s.Wait(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	why := stage.Outcome(run.Status.Conditions)
	said := why.Message
	tasks, err := s.Tekton.TektonV1().TaskRuns(run.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "tekton.dev/pipelineRun=" + run.Name})
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks.Items {
		said += " " + stage.Outcome(task.Status.Conditions).Message
	}
	if why.Status != corev1.ConditionFalse || !strings.Contains(said, "team") {
		t.Errorf("the attack ended with %s, %s: %s", why.Status, why.Reason, said)
	}
	pods, err := s.Kube.CoreV1().Pods(run.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "tekton.dev/pipelineRun=" + run.Name})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		t.Errorf("Pod %s runs with volumes %v", pod.Name, pod.Spec.Volumes)
	}
}

// H3: every way in which a run of one team can come to carry another team's label.
func TestHoleOtherTeamsLabel(t *testing.T) {
	ctx := within(t, 5*time.Minute)
	attacker := battlefield(t)
	label := map[string]string{"apps.platform/team": "payments"}
	second := map[string]string{"pipeline.comptech-lab.com/team": "payments"}
	runs := attacker.TektonV1().PipelineRuns(stage.SharedNamespace)
	// It would mount the Secret of the team that its labels name.
	loot := func() *pipelinev1.PipelineRun {
		return attack(volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: victim.Secret}}))
	}
	for name, edit := range map[string]func(*pipelinev1.PipelineRun){
		"own label":              func(r *pipelinev1.PipelineRun) { r.Labels = label },
		"second label":           func(r *pipelinev1.PipelineRun) { r.Labels = second },
		"both":                   func(r *pipelinev1.PipelineRun) { r.Labels["pipeline.comptech-lab.com/team"] = "payments" },
		"with prefix":            func(r *pipelinev1.PipelineRun) { r.Labels = map[string]string{"apps.platform/team": "team-payments"} },
		"empty":                  func(r *pipelinev1.PipelineRun) { r.Labels = map[string]string{"apps.platform/team": ""} },
		"none":                   func(r *pipelinev1.PipelineRun) { r.Labels = nil },
		"the controller's label": func(r *pipelinev1.PipelineRun) { r.Labels["quay.comptech-lab.com/team"] = "payments" },
		"taskRunSpecs": func(r *pipelinev1.PipelineRun) {
			r.Spec.TaskRunSpecs = []pipelinev1.PipelineTaskRunSpec{{PipelineTaskName: "attack", Metadata: &pipelinev1.PipelineTaskMetadata{Labels: label}}}
		},
		"embedded taskSpec":               func(r *pipelinev1.PipelineRun) { r.Spec.PipelineSpec.Tasks[0].TaskSpec.Metadata.Labels = label },
		"embedded taskSpec, second label": func(r *pipelinev1.PipelineRun) { r.Spec.PipelineSpec.Tasks[0].TaskSpec.Metadata.Labels = second },
	} {
		t.Run(name, func(t *testing.T) {
			run := loot()
			edit(run)
			run, err := runs.Create(ctx, run, metav1.CreateOptions{})
			if apierrs.IsInvalid(err) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
			wantFailedWithoutPod(t, ctx, run)
		})
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
