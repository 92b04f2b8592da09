//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	pipelinepod "github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/test/stage"
)

// neighbour is a controller that works on the same objects as we do on a real cluster, with the rights that its own manifests give it.
type neighbour struct {
	user  string
	rules []rbacv1.PolicyRule
}

func rule(group, resources, verbs string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: strings.Fields(resources), Verbs: strings.Fields(verbs)}
}

const runs = "pipelineruns taskruns customruns"

// The rights are what matters here of those that their manifests give them; Argo CD has a cluster administrator's.
var (
	externalSecretsOperator = neighbour{"system:serviceaccount:external-secrets:external-secrets", []rbacv1.PolicyRule{
		rule("external-secrets.io", "externalsecrets", "get list watch update patch"),
		rule("external-secrets.io", "externalsecrets/status externalsecrets/finalizers", "get update patch"),
		rule("", "secrets", "get list watch create update delete patch")}}
	chains = neighbour{"system:serviceaccount:tekton-chains:tekton-chains-controller", []rbacv1.PolicyRule{
		rule("tekton.dev", "taskruns pipelineruns", "get list watch update patch"),
		rule("tekton.dev", "taskruns/finalizers pipelineruns/finalizers taskruns/status pipelineruns/status", "get update patch")}}
	results = neighbour{"system:serviceaccount:tekton-results:tekton-results-watcher", []rbacv1.PolicyRule{
		rule("tekton.dev", runs, "get list watch update patch delete"),
		rule("tekton.dev", "pipelineruns/finalizers taskruns/finalizers customruns/finalizers", "update")}}
	pruner = neighbour{"system:serviceaccount:tekton-pipelines:tekton-pruner-controller", []rbacv1.PolicyRule{
		rule("tekton.dev", runs, "get list watch update patch delete deletecollection")}}
	argo      = neighbour{"system:serviceaccount:argocd:argocd-application-controller", []rbacv1.PolicyRule{rule("*", "*", "*")}}
	collector = neighbour{user: "system:serviceaccount:kube-system:generic-garbage-collector"}
	spaces    = neighbour{user: "system:serviceaccount:kube-system:namespace-controller"}
)

// connect returns a client of the neighbour's, which has its rights for the length of the test.
func (n neighbour) connect(t *testing.T) dynamic.Interface {
	t.Helper()
	if len(n.rules) > 0 {
		parts := strings.Split(n.user, ":")
		name := "e2e-" + parts[3] + "-" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
		role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: n.rules}
		binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name},
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
			Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: parts[2], Name: parts[3]}}}
		rbac := s.Kube.RbacV1()
		if _, err := rbac.ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := rbac.ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			clean := within(t, time.Minute)
			_ = rbac.ClusterRoleBindings().Delete(clean, name, metav1.DeleteOptions{})
			_ = rbac.ClusterRoles().Delete(clean, name, metav1.DeleteOptions{})
		})
		r := n.rules[0]
		waitUntil(t, within(t, time.Minute), n.user+" has its rights", func() bool {
			allowed, err := may(t.Context(), n.user, stage.SharedNamespace, r.Verbs[0], r.APIGroups[0], r.Resources[0], nil)
			return err == nil && allowed
		})
	}
	return dynamicAs(t, n.user)
}

// dynamicAs returns a client for any kind that acts as user.
func dynamicAs(t *testing.T, user string) dynamic.Interface {
	t.Helper()
	config := rest.CopyConfig(s.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	if account, ok := strings.CutPrefix(user, "system:serviceaccount:"); ok {
		namespace, _, _ := strings.Cut(account, ":")
		config.Impersonate.Groups = []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"}
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// robotSecret is the ExternalSecret that onboard renders for team platform, in short.
func robotSecret(namespace string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
		"metadata": map[string]any{"name": "quay-robot-team-platform", "namespace": namespace, "labels": map[string]any{
			"apps.platform/team": "platform", "apps.platform/division": "platform", "apps.platform/app": "sample"}},
		"spec": map[string]any{
			"secretStoreRef": map[string]any{"name": "pipelines-vault-apps", "kind": "SecretStore"},
			"target":         map[string]any{"name": "quay-robot-team-platform"},
			"dataFrom":       []any{map[string]any{"extract": map[string]any{"key": "apps/platform/sample/ci/quay-robot"}}},
		},
	}}
}

// A change of an object that its controller makes, as a merge patch, with the subresource it is for.
type change struct{ name, patch, subresource string }

var keeping = []change{
	{"a finalizer", `{"metadata":{"finalizers":["neighbour.example.com/cleanup"]}}`, ""},
	{"no finalizer", `{"metadata":{"finalizers":null}}`, ""},
	{"an annotation", `{"metadata":{"annotations":{"neighbour.example.com/seen":"yes"}}}`, ""},
	{"a label", `{"metadata":{"labels":{"neighbour.example.com/record":"1"}}}`, ""},
	{"an owner", `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"kube-root-ca.crt","uid":"1-2-3"}]}}`, ""},
	{"no owner", `{"metadata":{"ownerReferences":null}}`, ""},
}

// try asks for each change as a dry run, and reports which were refused by a policy.
func try(t *testing.T, ctx context.Context, client dynamic.ResourceInterface, name string, changes []change) (refused []string) {
	t.Helper()
	for _, c := range changes {
		var sub []string
		if c.subresource != "" {
			sub = []string{c.subresource}
		}
		_, err := client.Patch(ctx, name, types.MergePatchType, []byte(c.patch), metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}}, sub...)
		switch {
		case apierrs.IsInvalid(err) || apierrs.IsForbidden(err):
			refused = append(refused, c.name)
		case err != nil:
			t.Fatalf("%s: %v", c.name, err)
		}
	}
	return refused
}

// External Secrets puts its finalizer onto an ExternalSecret before it makes the Secret, and the garbage collector takes one away: nobody
// asks them whether they may onboard. Whoever else may write ExternalSecrets there changes nothing of it.
func TestNeighboursOfAnExternalSecret(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	admin, err := dynamic.NewForConfig(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	objects := admin.Resource(externalsecret.Resource).Namespace(stage.SharedNamespace)
	create := func() {
		t.Helper()
		if _, err := objects.Create(ctx, robotSecret(stage.SharedNamespace), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	create()
	t.Cleanup(func() { _ = objects.Delete(context.Background(), "quay-robot-team-platform", metav1.DeleteOptions{}) })
	status := change{"its status", `{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`, "status"}
	for name, test := range map[string]struct {
		who     neighbour
		changes []change
	}{
		"External Secrets":      {externalSecretsOperator, append([]change{status}, keeping[0], keeping[1], keeping[2])},
		"the garbage collector": {collector, keeping},
		"Argo CD":               {argo, append([]change{{"the interval", `{"spec":{"refreshInterval":"2h"}}`, ""}}, keeping...)},
	} {
		t.Run(name, func(t *testing.T) {
			client := test.who.connect(t).Resource(externalsecret.Resource).Namespace(stage.SharedNamespace)
			if refused := try(t, ctx, client, "quay-robot-team-platform", test.changes); refused != nil {
				t.Errorf("refused: %v", refused)
			}
		})
	}
	t.Run("External Secrets does not write what it keeps", func(t *testing.T) {
		client := externalSecretsOperator.connect(t).Resource(externalsecret.Resource).Namespace(stage.SharedNamespace)
		changes := []change{{"the path", `{"spec":{"dataFrom":[{"extract":{"key":"apps/payments/checkout/ci/quay-robot"}}]}}`, ""}, {"the team", `{"metadata":{"labels":{"apps.platform/team":"payments"}}}`, ""}}
		if refused := try(t, ctx, client, "quay-robot-team-platform", changes); len(refused) != len(changes) {
			t.Errorf("refused only %v", refused)
		}
	})
	t.Run("who only writes ExternalSecrets", func(t *testing.T) {
		const account = "es-editor"
		grantIn(t, stage.SharedNamespace, account, rule("external-secrets.io", "externalsecrets", "create delete deletecollection patch update get list watch"))
		client := dynamicAs(t, "system:serviceaccount:"+stage.SharedNamespace+":"+account).Resource(externalsecret.Resource).Namespace(stage.SharedNamespace)
		changes := []change{keeping[0], keeping[2], keeping[3], keeping[4]}
		if refused := try(t, ctx, client, "quay-robot-team-platform", changes); len(refused) != len(changes) {
			t.Errorf("refused only %v", refused)
		}
		if err := client.Delete(ctx, "quay-robot-team-platform", metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}); !apierrs.IsInvalid(err) {
			t.Errorf("deleting it: %v, want Invalid", err)
		}
	})
	for _, policy := range []metav1.DeletionPropagation{metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan, metav1.DeletePropagationBackground} {
		t.Run("deleted in mode "+string(policy), func(t *testing.T) {
			// With what it owns, which the garbage collector has to look after before the object goes.
			owner, err := objects.Get(ctx, "quay-robot-team-platform", metav1.GetOptions{})
			if apierrs.IsNotFound(err) {
				create()
				owner, err = objects.Get(ctx, "quay-robot-team-platform", metav1.GetOptions{})
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Kube.CoreV1().ConfigMaps(stage.SharedNamespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "owned-",
				OwnerReferences: []metav1.OwnerReference{{APIVersion: "external-secrets.io/v1", Kind: "ExternalSecret", Name: owner.GetName(), UID: owner.GetUID(),
					Controller: new(true), BlockOwnerDeletion: new(true)}}}}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := objects.Delete(ctx, owner.GetName(), metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil {
				t.Fatal(err)
			}
			waitUntil(t, within(t, time.Minute), "the ExternalSecret is gone", func() bool {
				_, err := objects.Get(ctx, owner.GetName(), metav1.GetOptions{})
				return apierrs.IsNotFound(err)
			})
		})
	}
}

// Chains signs runs, Results stores and deletes them, a pruner deletes them, the garbage collector and the namespace controller take them
// away, in a shared namespace and in a team's own that is guarded.
func TestNeighboursOfARun(t *testing.T) {
	ctx := within(t, 5*time.Minute)
	battlefield(t)
	run := sharedPush(t, ctx, victim)
	own := pushIn(t, ctx, stage.Payments)
	guardNamespace(t, stage.Payments.Namespace)
	for name, test := range map[string]struct {
		who     neighbour
		changes []change
		deletes bool
	}{
		"Chains":                {chains, keeping[:3], false},
		"Results":               {results, keeping[:4], true},
		"the pruner":            {pruner, nil, true},
		"the garbage collector": {collector, keeping, true},
		"namespaces":            {spaces, nil, true},
		"Argo CD":               {argo, keeping, true},
	} {
		t.Run(name, func(t *testing.T) {
			client := test.who.connect(t)
			for _, of := range []struct{ namespace, run string }{{stage.SharedNamespace, run}, {stage.Payments.Namespace, own}} {
				for resource, object := range map[string]string{"pipelineruns": of.run, "taskruns": of.run + "-push", "customruns": of.run + "-push"} {
					if resource == "customruns" && name == "Chains" {
						continue
					}
					version := "v1"
					if resource == "customruns" {
						version = "v1beta1"
					}
					objects := client.Resource(schema.GroupVersionResource{Group: "tekton.dev", Version: version, Resource: resource}).Namespace(of.namespace)
					if refused := try(t, ctx, objects, object, test.changes); refused != nil {
						t.Errorf("%s %s/%s: refused %v", resource, of.namespace, object, refused)
					}
					if !test.deletes {
						continue
					}
					for _, policy := range []metav1.DeletionPropagation{metav1.DeletePropagationForeground, metav1.DeletePropagationBackground} {
						if err := objects.Delete(ctx, object, metav1.DeleteOptions{PropagationPolicy: &policy, DryRun: []string{metav1.DryRunAll}}); err != nil {
							t.Errorf("deleting %s %s/%s in mode %s: %v", resource, of.namespace, object, policy, err)
						}
					}
				}
			}
		})
	}
	// And really: the garbage collector ends what its owner deletes, in each mode.
	for _, policy := range []metav1.DeletionPropagation{metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan, metav1.DeletePropagationBackground} {
		t.Run("deleted in mode "+string(policy), func(t *testing.T) {
			name := sharedPush(t, ctx, victim)
			if err := s.Tekton.TektonV1().PipelineRuns(stage.SharedNamespace).Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil {
				t.Fatal(err)
			}
			waitUntil(t, within(t, time.Minute), fmt.Sprint(name, " is gone"), func() bool {
				_, err := s.Tekton.TektonV1().PipelineRuns(stage.SharedNamespace).Get(ctx, name, metav1.GetOptions{})
				return apierrs.IsNotFound(err)
			})
			if policy == metav1.DeletePropagationOrphan {
				return
			}
			waitUntil(t, within(t, time.Minute), "its TaskRun is gone", func() bool {
				_, err := s.Tekton.TektonV1().TaskRuns(stage.SharedNamespace).Get(ctx, name+"-push", metav1.GetOptions{})
				return apierrs.IsNotFound(err)
			})
		})
	}
}

// sharedPush runs the platform's Pipeline as the tenant's in the shared namespace to its end, and returns the run's name.
func sharedPush(t *testing.T, ctx context.Context, tenant stage.Tenant) string {
	t.Helper()
	run := stage.NewRun(tenant, "build-and-push-image", map[string]string{"image-ref": tenant.Repository, "tag": "neighbours"})
	run.Labels = map[string]string{"apps.platform/team": tenant.Team}
	return pushed(t, ctx, run)
}

func pushIn(t *testing.T, ctx context.Context, tenant stage.Tenant) string {
	t.Helper()
	return pushed(t, ctx, stage.NewRun(tenant, "build-and-push-image", map[string]string{"image-ref": tenant.Repository, "tag": "neighbours"}))
}

// pushed runs the run to its end, which is a push.
func pushed(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun) string {
	t.Helper()
	run.Spec.TaskRunTemplate.PodTemplate = &pipelinepod.Template{SecurityContext: &corev1.PodSecurityContext{FSGroup: new(int64(65532))}}
	run, err := s.Run(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
		t.Fatalf("%s: %s: %s", run.Name, outcome.Reason, outcome.Message)
	}
	return run.Name
}
