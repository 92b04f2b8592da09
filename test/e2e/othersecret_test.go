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
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/test/stage"
)

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
