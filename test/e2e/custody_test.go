//go:build e2e

package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	pipelinepod "github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// In custody mode the attacker is a ServiceAccount of team platform, in its own namespace, with Tekton's edit role.
const insider = "insider"

var insiderName = "system:serviceaccount:" + stage.Platform.Namespace + ":" + insider

// TestHoleCustody has both robots in custody. The attacker gets no token but while a run of the own team is under way, and the
// victim's runs go on.
func TestHoleCustody(t *testing.T) {
	ctx := within(t, 8*time.Minute)
	claim := imageVolume(t, ctx)
	takeIntoCustody(t, ctx, stage.Payments, stage.Platform)
	bindCustody(t, ctx, stage.Payments)
	bindCustody(t, ctx, stage.Platform)
	bindTektonEdit(t, stage.Platform.Namespace, insider)
	attacker := as(t, insiderName)
	made := watchSecrets(t, ctx, stage.Platform.Namespace)

	t.Run("another team's robot", func(t *testing.T) { testOtherTeamsRobot(t, ctx, attacker) })
	t.Run("the locked namespace", func(t *testing.T) { testLockedNamespace(t, ctx, attacker) })
	t.Run("a Secret that stays", func(t *testing.T) { testSecretThatStays(t, ctx, attacker, made) })

	t.Run("another team's Secret, guarded", func(t *testing.T) {
		guardNamespace(t, stage.Platform.Namespace)
		testOtherTeamsSecret(t, ctx, attacker, stage.Platform.Namespace)
	})
	t.Run("an ExternalSecret there", func(t *testing.T) { testExternalSecrets(t, ctx, stage.Custody) })

	run, err := s.Run(ctx, stage.From(claim, stage.NewPush(stage.Payments, stage.Payments.Repository)))
	if err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); !outcome.IsTrue() {
		t.Errorf("the victim's run ended with %s: %s", outcome.Reason, outcome.Message)
	}
	made.Lock()
	defer made.Unlock()
	if len(made.all) == 0 {
		t.Error("no run of the attacker got a Secret: the attacks were none")
	}
	for _, secret := range made.all {
		if strings.HasPrefix(secret.Name, stage.Payments.Secret) || strings.Contains(string(secret.Data[corev1.DockerConfigJsonKey]), stage.Payments.Team) {
			t.Errorf("Secret %s came into the attacker's namespace", secret.Name)
		}
	}
}

// H18: what a run can say to get another team's robot.
func testOtherTeamsRobot(t *testing.T, ctx context.Context, attacker tekton.Interface) {
	push := func(edit func(*pipelinev1.PipelineRun)) *pipelinev1.PipelineRun {
		run := stage.NewPush(stage.Platform, stage.Platform.Repository)
		edit(run)
		return run
	}
	param := func(name, value string) func(*pipelinev1.PipelineRun) {
		return func(r *pipelinev1.PipelineRun) {
			task := &r.Spec.PipelineSpec.Tasks[0]
			task.Params = append(slices.DeleteFunc(task.Params, func(p pipelinev1.Param) bool { return p.Name == name }),
				pipelinev1.Param{Name: name, Value: *pipelinev1.NewStructuredValues(value)})
		}
	}
	for name, attack := range map[string]struct {
		edit   func(*pipelinev1.PipelineRun)
		reason string
	}{
		"label": {func(r *pipelinev1.PipelineRun) { r.Labels = map[string]string{"apps.platform/team": "payments"} }, v1alpha1.ReasonTenantConflict},
		"second label": {func(r *pipelinev1.PipelineRun) {
			r.Labels = map[string]string{"pipeline.comptech-lab.com/team": "payments"}
		}, v1alpha1.ReasonTenantConflict},
		"image":                 {param(v1alpha1.ParamImageRef, stage.Payments.Repository), v1alpha1.ReasonImageOutsideOrganization},
		"image by a way back":   {param(v1alpha1.ParamImageRef, s.Quay.Host+"/team-platform/../team-payments/checkout"), v1alpha1.ReasonImageOutsideOrganization},
		"Secret":                {param(v1alpha1.ParamDockerconfigSecret, stage.Payments.Secret), v1alpha1.ReasonSecretMismatch},
		"Secret of another run": {param(v1alpha1.ParamDockerconfigSecret, stage.Payments.Secret+".x"), v1alpha1.ReasonSecretMismatch},
		"workspace": {func(r *pipelinev1.PipelineRun) {
			r.Spec.Workspaces[0] = pipelinev1.WorkspaceBinding{Name: "source", Secret: &corev1.SecretVolumeSource{SecretName: stage.Payments.Secret}}
		}, v1alpha1.ReasonInvalidWorkspaces},
	} {
		t.Run(name, func(t *testing.T) {
			run, err := attacker.TektonV1().PipelineRuns(stage.Platform.Namespace).Create(ctx, push(attack.edit), metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if run, err = s.Wait(ctx, run); err != nil {
				t.Fatal(err)
			}
			custom, err := s.CustomRunOf(ctx, run)
			if err != nil {
				t.Fatal(err)
			}
			checkRefused(t, ctx, custom, attack.reason)
		})
	}
	t.Run("a CustomRun with the victim's owner and UID", func(t *testing.T) {
		victim, err := s.Tekton.TektonV1().PipelineRuns(stage.Payments.Namespace).Create(ctx, neverStarts(stage.NewPush(stage.Payments, stage.Payments.Repository)), metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = s.Tekton.TektonV1().PipelineRuns(victim.Namespace).Delete(context.Background(), victim.Name, metav1.DeleteOptions{})
		})
		forgery := forged(stage.Platform, metav1.OwnerReference{APIVersion: "tekton.dev/v1", Kind: "PipelineRun", Name: victim.Name, UID: victim.UID, Controller: new(true)})
		forgery.UID = victim.UID
		custom, err := attacker.TektonV1beta1().CustomRuns(stage.Platform.Namespace).Create(ctx, forgery, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if custom.UID == victim.UID {
			t.Error("the API server lets an author choose the UID, which is part of the Secret's name")
		}
		// The garbage collector may be there before our controller: its owner is in no namespace that it could be in.
		waitUntil(t, ctx, "the forged CustomRun ends", func() bool {
			custom, err = s.Tekton.TektonV1beta1().CustomRuns(custom.Namespace).Get(ctx, custom.Name, metav1.GetOptions{})
			return apierrs.IsNotFound(err) || err == nil && custom.IsDone()
		})
		if err == nil {
			checkRefused(t, ctx, custom, v1alpha1.ReasonUnprovenOwner)
		}
	})
}

// H19: nothing of the locked namespace is the attacker's, and nothing runs there for him.
func testLockedNamespace(t *testing.T, ctx context.Context, attacker tekton.Interface) {
	for _, right := range [][3]string{{"get", "", "secrets"}, {"list", "", "secrets"}, {"watch", "", "secrets"}, {"create", "", "pods"}, {"create", "", "pods/exec"},
		{"create", "", "serviceaccounts/token"}, {"get", "", "pods/log"}, {"create", "tekton.dev", "pipelineruns"}, {"create", "tekton.dev", "taskruns"}, {"patch", "tekton.dev", "taskruns"},
		{"create", "tekton.dev", "customruns"}, {"create", "external-secrets.io", "externalsecrets"}, {"create", "rbac.authorization.k8s.io", "rolebindings"}} {
		if allowed, err := may(ctx, insiderName, stage.Custody, right[0], right[1], right[2], nil); err != nil || allowed {
			t.Errorf("%v in %s: allowed %v, %v", right, stage.Custody, allowed, err)
		}
	}
	for _, right := range [][3]string{{"get", "", "secrets"}, {"update", "tekton.dev", "customruns/status"}, {"update", "tekton.dev", "customruns/finalizers"}} {
		if allowed, err := may(ctx, insiderName, stage.Platform.Namespace, right[0], right[1], right[2], nil); err != nil || allowed {
			t.Errorf("%v in the own namespace: allowed %v, %v", right, allowed, err)
		}
	}
	run := stage.NewPush(stage.Platform, stage.Platform.Repository)
	run.Namespace = stage.Custody
	if _, err := attacker.TektonV1().PipelineRuns(stage.Custody).Create(ctx, run, metav1.CreateOptions{}); !apierrs.IsForbidden(err) {
		t.Errorf("a PipelineRun in %s: %v, want Forbidden", stage.Custody, err)
	}
}

// H20: the run's Secret outlives neither the run nor its CustomRun, whatever the attacker does to that.
func testSecretThatStays(t *testing.T, ctx context.Context, attacker tekton.Interface, made *secretLog) {
	runs, customs := attacker.TektonV1().PipelineRuns(stage.Platform.Namespace), attacker.TektonV1beta1().CustomRuns(stage.Platform.Namespace)
	patch := func(text string) func(*v1beta1.CustomRun) error {
		return func(custom *v1beta1.CustomRun) error {
			_, err := customs.Patch(ctx, custom.Name, types.MergePatchType, []byte(text), metav1.PatchOptions{})
			return err
		}
	}
	for name, attack := range map[string]func(*v1beta1.CustomRun) error{
		"deleted without what it owns": func(custom *v1beta1.CustomRun) error {
			return customs.Delete(ctx, custom.Name, metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationOrphan)})
		},
		"deleted without what it owns, in the old way": func(custom *v1beta1.CustomRun) error {
			//lint:ignore SA1019 The API server still takes it, so that an attacker may.
			return customs.Delete(ctx, custom.Name, metav1.DeleteOptions{OrphanDependents: new(true)})
		},
		"all deleted without what they own": func(custom *v1beta1.CustomRun) error {
			return customs.DeleteCollection(ctx, metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationOrphan)}, metav1.ListOptions{})
		},
		"held by a finalizer":               patch(`{"metadata":{"finalizers":["attacker.example.com/hold"]}}`),
		"held by the finalizer for orphans": patch(`{"metadata":{"finalizers":["orphan"]}}`),
		"made another kind":                 patch(`{"spec":{"customRef":{"kind":"ResolveTenant"}}}`),
		"made another controller's":         patch(`{"spec":{"customRef":{"apiVersion":"example.dev/v1"}}}`),
	} {
		t.Run(name, func(t *testing.T) {
			run, err := runs.Create(ctx, neverStarts(stage.NewPush(stage.Platform, stage.Platform.Repository)), metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			made.wait(t, ctx, run)
			custom, err := s.CustomRunOf(ctx, run)
			if err != nil {
				t.Fatal(err)
			}
			if err := attack(custom); !apierrs.IsInvalid(err) {
				t.Errorf("%v, want Invalid", err)
			}
			// What is left to him: to end the run.
			if err := customs.Delete(ctx, custom.Name, metav1.DeleteOptions{}); err != nil && !apierrs.IsNotFound(err) {
				t.Error(err)
			}
			if _, err := runs.Patch(ctx, run.Name, types.MergePatchType, []byte(`{"spec":{"status":"Cancelled"}}`), metav1.PatchOptions{}); err != nil {
				t.Error(err)
			}
			wantGone(t, ctx, run.Namespace)
			_ = runs.Delete(ctx, run.Name, metav1.DeleteOptions{})
		})
	}
	t.Run("its PipelineRun deleted without what it owns", func(t *testing.T) {
		run := stage.NewPush(stage.Platform, stage.Platform.Repository) // An empty volume: the push ends by itself.
		run, err := runs.Create(ctx, run, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		made.wait(t, ctx, run)
		if err := runs.Delete(ctx, run.Name, metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationOrphan)}); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, ctx, "the orphan ends", func() bool {
			custom, err := s.CustomRunOf(ctx, run)
			return err == nil && custom.IsDone()
		})
		wantGone(t, ctx, run.Namespace)
		_ = customs.Delete(ctx, run.Name+"-push", metav1.DeleteOptions{})
	})
}

// neverStarts makes the Pod of every task one that no node takes.
func neverStarts(run *pipelinev1.PipelineRun) *pipelinev1.PipelineRun {
	run.Spec.TaskRunTemplate.PodTemplate = &pipelinepod.Template{NodeSelector: map[string]string{"no-node": "has-this"}}
	return run
}
