//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"testing"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/test/stage"
)

// A Pod with another's account has that account's rights, and one with another's Secrets, or the node's disk, has what is in them.
var accountAttacks = map[string]attack{
	// With the token of the victim's trigger it makes a run of the victim's team.
	"the account of another trigger": {
		send: func(ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) error {
			loot := fmt.Sprintf(`{"apiVersion":"tekton.dev/v1","kind":"PipelineRun","metadata":{"name":"%s-loot","labels":{"apps.platform/team":"payments"}},`+
				`"spec":{"pipelineSpec":{"tasks":[{"name":"t","taskSpec":{"volumes":[{"name":"v","secret":{"secretName":"%s"}}],`+
				`"steps":[{"name":"s","image":"%s","command":["/ko-app/thief"],"args":["cat","/v/.dockerconfigjson"],"volumeMounts":[{"name":"v","mountPath":"/v"}]}]}}]}}}`,
				name, victim.Secret, f.thief)
			return f.taskRun(ctx, name, "trigger-payments", pipelinev1.TaskSpec{
				Steps: []pipelinev1.Step{f.step("call", "POST /apis/tekton.dev/v1/namespaces/"+stage.SharedNamespace+"/pipelineruns "+loot)}})
		},
		won: func(t *testing.T, ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) {
			prints(t, ctx, stage.SharedNamespace, "tekton.dev/pipelineRun="+name+"-loot", f.robot)
		},
	},
	// With which External Secrets reads every team's path in Vault.
	"the account of External Secrets": {
		send: func(ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) error {
			return f.taskRun(ctx, name, "pipelines-vault-apps", pipelinev1.TaskSpec{Steps: []pipelinev1.Step{f.step("call",
				`POST /apis/authentication.k8s.io/v1/selfsubjectreviews {"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`)}})
		},
		won: func(t *testing.T, ctx context.Context, _ *playground, name string, _ *pipelinev1.PipelineRun) {
			prints(t, ctx, stage.SharedNamespace, "tekton.dev/taskRun="+name, `"username":"system:serviceaccount:`+stage.SharedNamespace+`:pipelines-vault-apps"`)
		},
	},
	// On OpenShift it is in the shared namespace, and reads every Secret of the cluster.
	"the account of Tekton": {
		send: func(ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) error {
			return f.taskRun(ctx, name, "tekton-pipelines-controller", pipelinev1.TaskSpec{Steps: []pipelinev1.Step{f.step("call",
				"GET /api/v1/namespaces/"+stage.Payments.Namespace+"/secrets/"+decoySecret)}})
		},
		won: func(t *testing.T, ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) {
			prints(t, ctx, stage.SharedNamespace, "tekton.dev/taskRun="+name, base64.StdEncoding.EncodeToString([]byte(f.other)))
		},
	},
	"Secrets that are no robots": {
		send: func(ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) error {
			return f.taskRun(ctx, name, "", f.reads([2]string{victim.GitSecret, corev1.BasicAuthPasswordKey}, [2]string{decoySecret, "decoy"}))
		},
		won: func(t *testing.T, ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) {
			prints(t, ctx, stage.SharedNamespace, "tekton.dev/taskRun="+name, f.git, f.other)
		},
	},
	"the disk of the node": {
		send: func(ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) error {
			step := f.step("list", "/node/*")
			step.VolumeMounts = []corev1.VolumeMount{{Name: "node", MountPath: "/node", ReadOnly: true}}
			return f.taskRun(ctx, name, "", pipelinev1.TaskSpec{Steps: []pipelinev1.Step{step},
				Volumes: []corev1.Volume{{Name: "node", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}})
		},
		won: func(t *testing.T, ctx context.Context, _ *playground, name string, _ *pipelinev1.PipelineRun) {
			prints(t, ctx, stage.SharedNamespace, "tekton.dev/taskRun="+name, `"/node/proc"`)
		},
	},
}

// putAccounts makes the accounts that are worth having, Tekton's with the right that it has on OpenShift, until the end of the test.
func putAccounts(t *testing.T, ctx context.Context) {
	t.Helper()
	for _, name := range []string{"pipelines-vault-apps", "tekton-pipelines-controller"} {
		putAccount(t, ctx, stage.SharedNamespace, name, true)
	}
	binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-openshift-tekton-"},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "tekton-pipelines-controller-tenant-access"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: "tekton-pipelines-controller", Namespace: stage.SharedNamespace}}}
	binding, err := s.Kube.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Kube.RbacV1().ClusterRoleBindings().Delete(context.Background(), binding.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// putAccount makes a ServiceAccount, until the end of the test, unless it is there.
func putAccount(t *testing.T, ctx context.Context, namespace, name string, token bool) {
	t.Helper()
	accounts := s.Kube.CoreV1().ServiceAccounts(namespace)
	_, err := accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}, AutomountServiceAccountToken: &token}, metav1.CreateOptions{})
	if apierrs.IsAlreadyExists(err) {
		return
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = accounts.Delete(context.Background(), name, metav1.DeleteOptions{}) })
}
