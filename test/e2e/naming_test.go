//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/test/stage"
)

// The names of the closed world are those of config-tenancy alone: with wholly other ones every verdict is the same, and no policy was touched.
func TestAnotherNaming(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	const account, runner = "starter", "runner"
	other := sharedNamespace(t, ctx, runner)
	grantIn(t, other, account, rule("tekton.dev", "pipelineruns", "create"))
	grantIn(t, other, account, useOf("platform"))
	attacker, tekton := dynamicAs(t, "system:serviceaccount:"+other+":"+account), dynamicAs(t, tektonUser)
	before := policies(t, ctx)
	names := []string{
		"quay-robot-team-platform", "bot-platform-quay", "quay-robot-team-payments", "bot-payments-quay",
		"git-platform", "scm-platform", "git-payments", "scm-payments", "team-platform", "squad-platform",
		"apps.platform/team", "example.org/squad", "pipeline.comptech-lab.com/team", "example.org/crew",
		`serviceAccountName":"pipeline"`, `serviceAccountName":"` + runner + `"`, `serviceAccount","value":"pipeline"`, `serviceAccount","value":"` + runner + `"`, "serviceAccountName: pipeline", "serviceAccountName: " + runner,
		"pipeline-dockercfg", runner + "-dockercfg", stage.SharedNamespace, other,
	}
	runs, pods := runVerdicts().renamed(names...), podVerdicts().renamed(names...)
	configure(t, ctx, map[string]string{
		"team-prefix": "squad-", "run-labels": "example.org/squad, example.org/crew", "team-label": "example.org/owner", "secret": "bot-<team>-quay",
		"run-secrets": "scm-<team>", "run-account": runner, "shared-namespaces": other, "pipeline-namespaces": other,
	})
	waitUntil(t, ctx, "the policies know the names", func() bool {
		return refusedByPolicy(runs.create(t, ctx, attacker, `{"metadata":{"name":"nameless"}}`)) && runs.create(t, ctx, attacker, `{}`) == nil &&
			refusedByPolicy(pods.create(t, ctx, tekton, `{"spec":{"serviceAccountName":"default"}}`)) && pods.create(t, ctx, tekton, `{}`) == nil
	})
	runs.deny(t, ctx, attacker)
	for _, made := range tektonVerdicts() {
		made.renamed(names...).deny(t, ctx, tekton)
	}
	if after := policies(t, ctx); !maps.Equal(before, after) {
		t.Errorf("generations of the policies were %v, are %v", before, after)
	}
}

// sharedNamespace makes a guarded namespace with the one account of its runs, until the end of the test.
func sharedNamespace(t *testing.T, ctx context.Context, runner string) string {
	t.Helper()
	made, err := s.Kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-shared-",
		Labels: map[string]string{"quay.comptech-lab.com/guarded": "true"}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Kube.CoreV1().Namespaces().Delete(context.Background(), made.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	putAccount(t, ctx, made.Name, runner, false)
	putAccount(t, ctx, made.Name, "trigger-payments", false)
	return made.Name
}

// configure sets keys of config-tenancy, until the end of the test. Null takes away a key that was not there.
func configure(t *testing.T, ctx context.Context, values map[string]string) {
	t.Helper()
	configs := s.Kube.CoreV1().ConfigMaps(config.Namespace)
	was, err := configs.Get(ctx, config.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	set, back := map[string]any{}, map[string]any{}
	for key, value := range values {
		set[key] = value
		if old, ok := was.Data[key]; ok {
			back[key] = old
		} else {
			back[key] = nil
		}
	}
	patch := func(data map[string]any) {
		t.Helper()
		text, err := json.Marshal(map[string]any{"data": data})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := configs.Patch(context.WithoutCancel(ctx), config.Name, types.MergePatchType, text, metav1.PatchOptions{}); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		patch(back)
		waitUntil(t, within(t, time.Minute), "the policies know the old names again", func() bool {
			admin := dynamicAs(t, tektonUser)
			return refusedByPolicy(podVerdicts().create(t, context.Background(), admin, `{"spec":{"serviceAccountName":"default"}}`))
		})
	})
	patch(set)
}

// policies are the generations of our policies and their bindings: each change of one makes another.
func policies(t *testing.T, ctx context.Context) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	found, err := s.Kube.AdmissionregistrationV1().ValidatingAdmissionPolicies().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	bindings, err := s.Kube.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found.Items {
		if strings.HasSuffix(p.Name, ".quay.comptech-lab.com") {
			all["policy "+p.Name] = p.Generation
		}
	}
	for _, b := range bindings.Items {
		if strings.HasSuffix(b.Name, ".quay.comptech-lab.com") {
			all["binding "+b.Name] = b.Generation
		}
	}
	if len(all) == 0 {
		t.Fatal("no policy is there")
	}
	return all
}
