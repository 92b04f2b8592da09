//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/test/stage"
)

// robotSecretOf is what both the ExternalSecret and the Secret of a team are called, in the shared namespace.
func robotSecretOf(team string) string { return "quay-robot-team-" + team }

// externalSecret is the team's ExternalSecret.
func (p *platform) externalSecret(ctx context.Context, team string) *unstructured.Unstructured {
	p.Helper()
	object, err := p.dynamic.Resource(externalsecret.Resource).Namespace(stage.SharedNamespace).Get(ctx, robotSecretOf(team), metav1.GetOptions{})
	if err != nil {
		p.Fatal(err)
	}
	return object
}

// change merges a patch into the team's ExternalSecret.
func (p *platform) change(ctx context.Context, team, patch string) {
	p.Helper()
	_, err := p.dynamic.Resource(externalsecret.Resource).Namespace(stage.SharedNamespace).Patch(ctx, robotSecretOf(team), types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		p.Fatal(err)
	}
}

// refresh has External Secrets read Vault.
func (p *platform) refresh(ctx context.Context, team string) {
	p.Helper()
	p.change(ctx, team, fmt.Sprintf(`{"metadata":{"annotations":{"force-sync":%q}}}`, time.Now().Format(time.RFC3339Nano)))
}

// ready is the condition Ready of an object of External Secrets', as "status reason"; empty if there is none yet.
func ready(object *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, c := range conditions {
		if fields := c.(map[string]any); fields["type"] == "Ready" {
			return fmt.Sprint(fields["status"], " ", fields["reason"])
		}
	}
	return ""
}

// secret is what the team's Secret has; empty without one.
func (p *platform) secret(ctx context.Context, team string) string {
	found, err := s.Kube.CoreV1().Secrets(stage.SharedNamespace).Get(ctx, robotSecretOf(team), metav1.GetOptions{})
	if err != nil {
		return ""
	}
	return string(found.Data[corev1.DockerConfigJsonKey])
}

// scaleOperator stops External Secrets, or starts it again, even at the end of a test, and waits until that is so.
func (p *platform) scaleOperator(ctx context.Context, replicas int) {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	deployments := s.Kube.AppsV1().Deployments("external-secrets")
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	if _, err := deployments.Patch(ctx, "external-secrets", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		p.Error(err)
		return
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		pods, err := s.Kube.CoreV1().Pods("external-secrets").List(ctx, metav1.ListOptions{})
		if err == nil && len(pods.Items) == replicas {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.Errorf("scaling External Secrets to %d: %v", replicas, ctx.Err())
			return
		}
	}
}
