//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/test/stage"
)

// testImageStays has somebody who may only patch Pods in custody put another program into a copy's Pod, beside a robot's Secret.
func testImageStays(t *testing.T, ctx context.Context) {
	t.Helper()
	const account = "pod-patcher"
	grantIn(t, stage.Custody, account, rule("", "pods", "patch"))
	pods := dynamicAs(t, "system:serviceaccount:"+stage.Custody+":"+account).Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(stage.Custody)
	patch := func(name, body string) error {
		_, err := pods.Patch(ctx, name, types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	waitUntil(t, ctx, "a Pod in custody was tried", func() bool {
		all, err := s.Kube.CoreV1().Pods(stage.Custody).List(ctx, metav1.ListOptions{})
		if err != nil || len(all.Items) == 0 {
			return false
		}
		pod := all.Items[0]
		if err := patch(pod.Name, `{"metadata":{"annotations":{"example.com/seen":"yes"}}}`); apierrs.IsNotFound(err) {
			return false // That try is over; the next one has another Pod.
		} else if err != nil {
			t.Fatalf("an annotation of Pod %s: %v", pod.Name, err)
		}
		err = patch(pod.Name, fmt.Sprintf(`{"spec":{"containers":[{"name":%q,"image":"localhost:5000/static:latest"}]}}`, pod.Spec.Containers[0].Name))
		if !apierrs.IsInvalid(err) && !apierrs.IsNotFound(err) {
			t.Errorf("another image: %v, want Invalid", err)
		}
		return !apierrs.IsNotFound(err)
	})
}
